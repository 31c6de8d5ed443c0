//! Values that have names, by the same table for flags and TOML.

use std::ffi::OsStr;
use std::marker::PhantomData;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use serde::Deserializer;
use serde::de::value::Error;
use serde::de::{DeserializeOwned, IntoDeserializer, Visitor};

use crate::nearest::nearest;

/// Parses a flag's value as TOML has it. Where it is one of a few names, an error lists them, with the nearest.
pub struct Named<T>(PhantomData<T>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T: DeserializeOwned + Clone + Send + Sync + 'static> TypedValueParser for Named<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        let read = |text: String| T::deserialize(IntoDeserializer::<Error>::into_deserializer(text));
        let names = names_of::<T>();
        let text = value.to_string_lossy();
        if names.is_empty() || read(text.clone().into_owned()).is_ok() {
            return StringValueParser::new().try_map(read).parse_ref(cmd, arg, value);
        }
        let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(cmd);
        let arg = arg.map_or_else(|| "...".to_owned(), ToString::to_string);
        let near = nearest(&text, names).map(|near| ContextValue::String((*near).to_owned()));
        error.insert(ContextKind::InvalidArg, ContextValue::String(arg));
        error.insert(ContextKind::InvalidValue, ContextValue::String(text.into_owned()));
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        error.insert(ContextKind::ValidValue, ContextValue::Strings(names));
        near.and_then(|near| error.insert(ContextKind::SuggestedValue, near));
        Err(error)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = names_of::<T>();
        (!names.is_empty()).then(|| Box::new(names.iter().map(PossibleValue::new)) as Box<_>)
    }
}

/// The names of an enumeration's values; none for another type.
fn names_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names = Names(&[]);
    // It never gives a value.
    let _ = T::deserialize(&mut names);
    names.0
}

/// A deserializer that learns which names are expected, and has none of them.
struct Names(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Names {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("there is no value"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0 = names;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use dividemix::MethodKind;

    use super::*;
    use crate::settings::DeviceChoice;

    #[test]
    fn an_enumeration_has_names_and_another_type_has_none() {
        assert!(names_of::<MethodKind>().contains(&"dividemix"));
        assert!(names_of::<DeviceChoice>().is_empty() && names_of::<f64>().is_empty());
    }
}
