//! Weights for other libraries, with what makes the network there.

use std::collections::BTreeMap;
use std::path::Path;

use effnet_ops::Padding;

use crate::arch::{Arch, ClassifierKind, RGB, Variant};
use crate::card::ModelCard;
use crate::classifier::is_classifier;
use crate::error::{Error, Result};
use crate::layouts::{TORCHVISION_LARGE, torchvision_from_timm, with_module};
use crate::metadata::{ARCH_KEY, CLASSES_KEY};
use crate::store::ParameterStore;
use crate::weights::{save_renamed, save_weights};

/// Who is to load the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// This one, and so no network is refused.
    Effmix,
    /// timm (tried with 1.0).
    Timm,
    /// torchvision (tried with 0.29).
    Torchvision,
}

/// Writes one network's weights as safetensors under the library's names, with the card's architecture and classes as metadata;
/// gives [`Library::constructor`].
///
/// # Errors
/// As [`Library::constructor`]; [`Error::Io`] if the folder can't be written to.
pub fn save_for(
    library: Library,
    path: &Path,
    card: &ModelCard,
    store: &ParameterStore,
) -> Result<Option<String>> {
    let constructor = library.constructor(&card.arch, card.classes.len())?;
    let json = |value: serde_json::Result<String>| value.map_err(|e| Error::malformed(path, e.to_string()));
    let metadata = BTreeMap::from([
        (ARCH_KEY.to_owned(), json(serde_json::to_string(&card.arch))?),
        (CLASSES_KEY.to_owned(), json(serde_json::to_string(&card.classes))?),
    ]);
    match library {
        Library::Effmix | Library::Timm => save_weights(store, path, &metadata)?,
        Library::Torchvision => {
            let modules = torchvision_from_timm(&card.arch.plan()?);
            let renamed = |name: &str| Some(with_module(name, &modules).unwrap_or_else(|| name.to_owned()));
            save_renamed(store, path, &metadata, renamed)?;
        }
    }
    Ok(constructor)
}

/// Writes a network without its classifier, with its architecture as metadata: a body of [`ModelCard::bodies`].
///
/// # Errors
/// [`Error::Io`] if the folder can't be written to.
pub fn save_body(path: &Path, arch: &Arch, store: &ParameterStore) -> Result<()> {
    let json = serde_json::to_string(arch).map_err(|e| Error::malformed(path, e.to_string()))?;
    let metadata = BTreeMap::from([(ARCH_KEY.to_owned(), json)]);
    save_renamed(store, path, &metadata, |name| (!is_classifier(name)).then(|| name.to_owned()))
}

/// Writes a classifier alone, with the classes as metadata: a network of a card with bodies ([`ModelCard::bodies`]).
///
/// # Errors
/// [`Error::Io`] if the folder can't be written to.
pub fn save_head(path: &Path, classes: &[String], store: &ParameterStore) -> Result<()> {
    let json = serde_json::to_string(classes).map_err(|e| Error::malformed(path, e.to_string()))?;
    save_weights(store, path, &BTreeMap::from([(CLASSES_KEY.to_owned(), json)]))
}

impl Library {
    /// The Python expression that makes the network there, to compute what it computes here; nothing for ourselves.
    ///
    /// # Errors
    /// [`Error::NotIn`] if the library has no such network, with what is in the way.
    pub fn constructor(self, arch: &Arch, classes: usize) -> Result<Option<String>> {
        let library = match self {
            Self::Effmix => return Ok(None),
            Self::Timm => "timm",
            Self::Torchvision => "torchvision",
        };
        let refused = |reason: String| Err(Error::NotIn { library, name: arch.name.clone(), reason });
        let member = Arch::by_name(&arch.name)?.with_channels(arch.channels);
        if arch.stem_stride != member.stem_stride {
            return refused(format!("its stem's stride is {}", arch.stem_stride));
        }
        if arch.plan()? != member.plan()? {
            let scaling = &arch.scaling;
            return refused(format!(
                "its width {:.3} and depth {:.3} are no published member's",
                scaling.width, scaling.depth
            ));
        }
        if arch.classifier != ClassifierKind::Linear {
            return refused("its classifier has a hidden layer (--freeze backbone)".to_owned());
        }
        let name = arch.name.trim_start_matches("tf_");
        match self {
            Self::Torchvision if arch.variant == Variant::Lite => {
                refused("it has no Lite members".to_owned())
            }
            Self::Torchvision if arch.channels != RGB => {
                refused(format!("its images have {} channel(s), torchvision's have 3", arch.channels))
            }
            Self::Torchvision if arch.padding != Padding::Symmetric => {
                refused("its convolutions pad as TensorFlow's do".to_owned())
            }
            Self::Torchvision => {
                let own = if arch.scaling.width < TORCHVISION_LARGE { 1e-5 } else { 1e-3 };
                let norm = match arch.bn_eps == own {
                    true => String::new(),
                    false => {
                        format!(", norm_layer=functools.partial(torch.nn.BatchNorm2d, eps={})", arch.bn_eps)
                    }
                };
                Ok(Some(format!("torchvision.models.{name}(num_classes={classes}{norm})")))
            }
            _ => {
                let (prefix, own) = match arch.padding {
                    Padding::Symmetric => ("", 1e-5),
                    Padding::Fixed(size) if !arch.pads_as_same() => {
                        return refused(format!(
                            "its convolutions pad as for images of {size} px, timm's as for those of {} px",
                            arch.size
                        ));
                    }
                    Padding::Same | Padding::Fixed(_) => ("tf_", 1e-3),
                };
                let norm = match arch.bn_eps == own {
                    true => String::new(),
                    false => format!(", bn_eps={}", arch.bn_eps),
                };
                let channels = match arch.channels {
                    RGB => String::new(),
                    channels => format!(", in_chans={channels}"),
                };
                Ok(Some(format!(
                    "timm.create_model(\"{prefix}{name}\", num_classes={classes}{channels}{norm})"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(library: Library, arch: &Arch) -> String {
        library.constructor(arch, 7).unwrap().unwrap()
    }

    fn arch(name: &str) -> Arch {
        Arch::by_name(name).unwrap()
    }

    #[test]
    fn a_member_is_made_by_the_name_that_computes_the_same() {
        let timm = |arch: &Arch| made(Library::Timm, arch);
        assert_eq!(timm(&arch("b1")), r#"timm.create_model("efficientnet_b1", num_classes=7)"#);
        assert_eq!(
            timm(&arch("tf_efficientnet_b1")),
            r#"timm.create_model("tf_efficientnet_b1", num_classes=7)"#
        );
        assert_eq!(
            timm(&arch("efficientnet_lite0")),
            r#"timm.create_model("tf_efficientnet_lite0", num_classes=7)"#
        );
        // torchvision's B5 has TensorFlow's norms.
        let large = Arch { bn_eps: 1e-3, ..arch("b5") };
        assert_eq!(timm(&large), r#"timm.create_model("efficientnet_b5", num_classes=7, bn_eps=0.001)"#);
        assert_eq!(made(Library::Torchvision, &large), "torchvision.models.efficientnet_b5(num_classes=7)");
        assert_eq!(
            made(Library::Torchvision, &arch("b0")),
            "torchvision.models.efficientnet_b0(num_classes=7)"
        );
        let other = Arch { bn_eps: 1e-3, ..arch("b0") };
        assert!(made(Library::Torchvision, &other).contains("norm_layer=functools.partial"));
        assert_eq!(Library::Effmix.constructor(&arch("b0").with_scaling(0.1, 0.1), 7).unwrap(), None);
    }

    #[test]
    fn what_a_library_does_not_have_is_refused_with_the_reason() {
        let hidden = arch("b0").with_classifier(ClassifierKind::Mlp { hidden: 8 });
        let both = [Library::Timm, Library::Torchvision];
        for (arch, reason, libraries) in [
            (arch("b0").with_stem_stride(1), "stride is 1", &both[..]),
            (arch("b0").with_scaling(0.5, 1.0), "width 0.500", &both),
            (hidden, "hidden layer", &both),
            (arch("tf_efficientnet_b0"), "TensorFlow", &both[1..]),
            (arch("efficientnet_lite0"), "Lite", &both[1..]),
            (
                arch("efficientnet_lite0").with_size(65),
                "images of 224 px, timm's as for those of 65",
                &both[..1],
            ),
        ] {
            for library in libraries {
                let message = library.constructor(&arch, 7).unwrap_err().to_string();
                assert!(message.contains(reason) && message.contains("safetensors"), "{message}");
            }
        }
    }
}
