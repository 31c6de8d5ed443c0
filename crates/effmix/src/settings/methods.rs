//! How the labels are dealt with: a method of this program, several to be compared, or a user's own.

#[cfg(feature = "clap")]
use std::ffi::OsStr;
use std::fmt::{self, Debug, Formatter};
use std::str::FromStr;
use std::sync::Arc;

#[cfg(feature = "clap")]
use clap::builder::{StringValueParser, TypedValueParser};
#[cfg(feature = "clap")]
use clap::{Arg, Command};
use dividemix::{Method, MethodKind};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error as _, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[cfg(feature = "clap")]
use super::named::Named;

/// The training method of a run, or the methods of a sweep. In TOML it is a name or a list of names, on the command line a list of
/// names with commas between them. No name is there twice, and there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Methods(Vec<MethodKind>);

impl Methods {
    /// All of them, in the order in which they were given.
    pub fn all(&self) -> &[MethodKind] {
        &self.0
    }

    /// The first one: the only one of a run.
    pub fn first(&self) -> MethodKind {
        self.0[0]
    }

    /// What is wrong with a list, if it can't be.
    fn new(methods: Vec<MethodKind>) -> Result<Self, String> {
        if methods.is_empty() {
            return Err("a method is needed; the list is empty".to_owned());
        }
        match methods.iter().enumerate().find(|(place, method)| methods[..*place].contains(method)) {
            Some((_, twice)) => Err(format!("{} is there twice", twice.method().name())),
            None => Ok(Self(methods)),
        }
    }
}

impl From<MethodKind> for Methods {
    fn from(method: MethodKind) -> Self {
        Self(vec![method])
    }
}

impl FromStr for Methods {
    type Err = String;

    fn from_str(names: &str) -> Result<Self, String> {
        let named = |name: &str| {
            let name = IntoDeserializer::<serde::de::value::Error>::into_deserializer(name.trim());
            MethodKind::deserialize(name).map_err(|e| e.to_string())
        };
        Self::new(names.split(',').map(named).collect::<Result<_, _>>()?)
    }
}

/// Parses the names of methods on a command line. An error lists the names there are, with the nearest.
#[cfg(feature = "clap")]
#[derive(Clone)]
pub(super) struct MethodNames;

#[cfg(feature = "clap")]
impl TypedValueParser for MethodNames {
    type Value = Methods;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Methods, clap::Error> {
        for name in value.to_string_lossy().split(',') {
            Named::<MethodKind>::default().parse_ref(cmd, arg, OsStr::new(name.trim()))?;
        }
        StringValueParser::new().try_map(|names| names.parse::<Methods>()).parse_ref(cmd, arg, value)
    }
}

/// One is a name, several are a list.
impl Serialize for Methods {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [method] => method.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrList;
        impl<'de> Visitor<'de> for NameOrList {
            type Value = Methods;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a method, or a list of names")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Methods, E> {
                MethodKind::deserialize(name.into_deserializer()).map(Methods::from)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Methods, A::Error> {
                let methods = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                Methods::new(methods).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(NameOrList)
    }
}

/// A method that is not of this program: a value of [`dividemix::Method`] that a run is trained by. Two are equal where their names are.
#[derive(Clone)]
pub struct OwnMethod(Arc<dyn Method>);

impl OwnMethod {
    /// The method.
    pub fn method(&self) -> &Arc<dyn Method> {
        &self.0
    }

    /// Whether it learns from a teacher at this strength, its own default where none is given.
    pub(super) fn needs_teacher(&self, strength: Option<f64>) -> bool {
        let usual = || self.0.strength().map(|strength| strength.usual);
        self.0.needs(strength.or_else(usual).unwrap_or_default()).teacher
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

impl<M: Method + 'static> From<M> for OwnMethod {
    fn from(method: M) -> Self {
        Self(Arc::new(method))
    }
}

impl PartialEq for OwnMethod {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Debug for OwnMethod {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnMethod").field(&self.name()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        method: Methods,
    }

    #[test]
    fn one_method_is_a_name_and_several_are_a_list() {
        for (text, methods) in [
            ("method = \"ce\"\n", vec![MethodKind::Ce]),
            ("method = [\"dividemix\", \"ce\"]\n", vec![MethodKind::DivideMix, MethodKind::Ce]),
        ] {
            let file: File = toml::from_str(text).unwrap();
            assert_eq!(file.method.all(), methods);
            assert_eq!(toml::to_string(&file).unwrap(), text);
        }
        assert_eq!("ce, joint".parse::<Methods>().unwrap().all(), [MethodKind::Ce, MethodKind::Joint]);
    }

    #[test]
    fn a_list_that_can_not_be_is_refused_with_its_reason() {
        let of_file = |text: &str| toml::from_str::<File>(text).unwrap_err().to_string();
        assert!(of_file("method = []").contains("empty"));
        assert!(of_file("method = [\"ce\", \"ce\"]").contains("ce is there twice"));
        assert!(of_file("method = \"magic\"").contains("`dividemix`"), "the names are listed");
        assert!(of_file("method = 3").contains("the name of a method, or a list of names"));
        assert!("ce,magic".parse::<Methods>().unwrap_err().contains("magic"));
        assert!("ce,,joint".parse::<Methods>().is_err());
    }
}
