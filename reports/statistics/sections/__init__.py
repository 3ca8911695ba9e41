"""From the measurements of a full comparison to tables and sentences. Each module makes one section."""
