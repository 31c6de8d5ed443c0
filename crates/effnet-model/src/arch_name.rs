//! Names of architectures as people write them.

use crate::arch::Arch;

/// How alike two names are whose mistyped one is shown the other (Jaro-Winkler, 0 to 1).
const NEAR: f64 = 0.85;

/// So many near names are shown, at most.
const NEAREST: usize = 3;

/// A name taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ArchName {
    /// Whether TensorFlow's member is meant (`tf_`).
    pub(crate) is_tf: bool,
    pub(crate) is_lite: bool,
    /// The number after `b` or `lite`.
    pub(crate) number: usize,
    /// What the weights were trained on and how, in lower case: timm's tag, `ra_in1k`.
    pub(crate) tag: String,
}

impl ArchName {
    /// The parts of a name in any of its spellings: `efficientnet_b0`, `efficientnet-b0`, `EfficientNetB0`, `B0`, `lite0`,
    /// `tf-efficientnet-lite0`, `timm/efficientnet_b0.ra_in1k`, `tf_efficientnet_b0_ns`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let lower = name.trim().to_ascii_lowercase();
        let lower = lower.strip_prefix("hf://").unwrap_or(&lower);
        let lower = lower.strip_prefix("timm/").unwrap_or(lower);
        let (member, tag) = lower.split_once('.').unwrap_or((lower, ""));
        // timm's tags were parts of the names once.
        let (member, tag) = match member.rsplit_once('_') {
            Some((member, old @ ("ap" | "ns" | "aa"))) if tag.is_empty() => (member, old),
            _ => (member, tag),
        };
        let letters: String = member.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).collect();
        let (is_tf, rest) = match letters.strip_prefix("tf") {
            Some(rest) => (true, rest),
            None => (false, letters.as_str()),
        };
        let family = ["efficientnet", "effnet"].into_iter().find_map(|family| rest.strip_prefix(family));
        let rest = family.unwrap_or(rest);
        let (is_lite, digit) = match rest.strip_prefix("lite") {
            Some(digit) => (true, digit),
            None => (false, rest.strip_prefix('b')?),
        };
        let is_digit = digit.len() == 1 && digit.bytes().all(|byte| byte.is_ascii_digit());
        let number = digit.parse().ok().filter(|_| is_digit)?;
        Some(Self { is_tf, is_lite, number, tag: tag.to_owned() })
    }
}

/// The known names that a mistyped one is near to, the nearest first.
pub(crate) fn nearest(name: &str) -> Vec<String> {
    let plain = |name: &str| name.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    let given = plain(name);
    let alike = |known: String| (strsim::jaro_winkler(&given, &known), known);
    let mut near: Vec<(f64, String)> =
        Arch::names().into_iter().map(alike).filter(|(alike, _)| *alike >= NEAR).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(NEAREST).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(name: &str) -> Option<String> {
        Arch::by_name(name).ok().map(|arch| arch.name)
    }

    #[test]
    fn every_spelling_means_the_member() {
        let spellings: [(&str, &[&str]); 5] = [
            (
                "efficientnet_b0",
                &[
                    "b0",
                    "B0",
                    "efficientnet-b0",
                    "EfficientNet_B0",
                    "efficientnetb0",
                    "EfficientNetB0",
                    "EfficientNet B0",
                    "effnet-b0",
                    " b0 ",
                ],
            ),
            (
                "efficientnet_lite0",
                &[
                    "lite0",
                    "Lite0",
                    "lite-0",
                    "efficientnet-lite0",
                    "EfficientNet-Lite0",
                    "efficientnetlite0",
                ],
            ),
            (
                "tf_efficientnet_b7",
                &[
                    "tf-efficientnet-b7",
                    "TF_EfficientNet_B7",
                    "tf_b7",
                    "tf_efficientnet_b7_ns",
                    "tf_efficientnet_b7.ns_jft_in1k",
                ],
            ),
            ("tf_efficientnet_lite4", &["tf-efficientnet-lite4", "tf_lite4"]),
            ("efficientnet_b3", &["timm/efficientnet_b3.ra2_in1k", "hf://timm/efficientnet_b3.ra2_in1k"]),
        ];
        for (member, names) in spellings {
            for name in names.iter().chain([&member]) {
                assert_eq!(meant(name).as_deref(), Some(member), "{name}");
            }
        }
    }

    #[test]
    fn tags_set_the_preprocessing_in_any_case_and_in_timms_old_names() {
        let half = |name: &str| Arch::by_name(name).unwrap().preprocessing.mean == [0.5; 3];
        assert!(half("EfficientNet_B0.RA4_e3600_r224_in1k") && !half("efficientnet_b0.ra_in1k"));
        assert!(half("tf_efficientnet_b0_ap") && half("tf_efficientnet_b0.ap_in1k"));
        assert!(!half("tf_efficientnet_b0_ns"));
    }

    #[test]
    fn other_networks_are_none() {
        for other in [
            "",
            "b",
            "b8",
            "b10",
            "lite5",
            "efficientnet",
            "efficientnet_b",
            "efficientnetv2_s",
            "efficientnet_v2_s",
            "efficientnet_es",
            "efficientnet_b0_b1",
            "resnet50",
            "tf",
            "b+1",
            "b٣",
            "blite0",
        ] {
            assert_eq!(meant(other), None, "{other}");
        }
    }

    #[test]
    fn a_mistyped_name_is_shown_the_nearest() {
        assert_eq!(nearest("eficientnet_b4")[0], "efficientnet_b4");
        assert_eq!(nearest("EfficentNet-Lite2")[0], "efficientnet_lite2");
        assert!(nearest("resnet50").is_empty());
        let text = Arch::by_name("efficientnet_b9").unwrap_err().to_string();
        assert!(text.contains("did you mean efficientnet_b"), "{text}");
    }
}
