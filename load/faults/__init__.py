"""`sioprobe faults`: faults played on a cluster of servers, and what each direction lost by them."""
