//! Any number of arguments of an event or an ack: JSON with binary values anywhere in it.

use rmpv::Value;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

/// socketioxide takes what looks like a tuple for several arguments, and a `Vec` for one.
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

        // The length is not looked at: the array ends where it ends.
        deserializer.deserialize_tuple(usize::MAX, Every)
    }
}

impl Arguments {
    /// The first argument as a text, and the others; None where it is none.
    pub fn split(mut self) -> Option<(String, Arguments)> {
        if self.0.is_empty() {
            return None;
        }
        let first = self.0.remove(0).as_str()?.to_owned();
        Some((first, self))
    }
}
