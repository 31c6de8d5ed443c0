//! Values of which most users give one, and some several. In TOML one is a value, several are a list.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a list can't be empty.
const EMPTY: &str = "the list is empty; leave the key out";

pub(super) fn serialize<T: Serialize, S: Serializer>(
    values: &Option<Vec<T>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match values.as_deref() {
        None => serializer.serialize_none(),
        Some([one]) => serializer.serialize_some(one),
        Some(several) => serializer.serialize_some(several),
    }
}

pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrSeveral<T> {
        One(T),
        Several(Vec<T>),
    }
    match Option::deserialize(deserializer)? {
        None => Ok(None),
        Some(OneOrSeveral::One(one)) => Ok(Some(vec![one])),
        Some(OneOrSeveral::Several(several)) if several.is_empty() => Err(D::Error::custom(EMPTY)),
        Some(OneOrSeveral::Several(several)) => Ok(Some(several)),
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    #[test]
    fn one_is_a_value_and_several_are_a_list() {
        for text in ["weights = \"a\"\n", "arch = [\"b0\", \"b1\"]\nweights = [\"a\", \"b\"]\n", ""] {
            let settings: Settings = toml::from_str(text).unwrap();
            assert_eq!(toml::to_string(&settings).unwrap(), text);
        }
        let empty = toml::from_str::<Settings>("weights = []").unwrap_err().to_string();
        assert!(empty.contains("the list is empty"), "{empty}");
    }
}
