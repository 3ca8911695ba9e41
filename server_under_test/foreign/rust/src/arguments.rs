//! The arguments of an event or an ack: any number of JSON values, with binary anywhere in them.

use rmpv::Value;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

/// socketioxide reads a tuple as several arguments, and a `Vec` as one.
#[derive(Clone, Debug)]
pub struct Arguments(pub Vec<Value>);

impl Serialize for Arguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for value in &self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Every;

        impl<'de> Visitor<'de> for Every {
            type Value = Arguments;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Arguments, A::Error> {
                let mut found = Vec::new();
                while let Some(value) = sequence.next_element()? {
                    found.push(value);
                }
                Ok(Arguments(found))
            }
        }

        // Nobody checks the length: the array ends where it ends.
        deserializer.deserialize_tuple(usize::MAX, Every)
    }
}

impl Arguments {
    /// The first argument as a text, and the others. None if the first is no text.
    pub fn split(mut self) -> Option<(String, Arguments)> {
        if self.0.is_empty() {
            return None;
        }
        let first = self.0.remove(0).as_str()?.to_owned();
        Some((first, self))
    }
}
