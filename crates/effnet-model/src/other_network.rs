//! Networks that are not of the family, recognised by the names of their tensors, and where these are not enough by shapes.

use crate::arch::Arch;
use crate::error::{Error, Mismatch};
use crate::weights::{WeightsFile, shown};

/// A message shows so many names of a network that is unknown, and so many of each kind of difference from the nearest member.
const EXAMPLES: usize = 3;

/// How a kind of network is recognised.
struct Telltale {
    network: &'static str,
    /// Tensors that it has, all of them.
    names: &'static [&'static str],
    /// What holds of the first one's shape.
    shape: fn(&[usize]) -> bool,
}

const fn named(network: &'static str, names: &'static [&'static str]) -> Telltale {
    Telltale { network, names, shape: |_| true }
}

const UNKNOWN: &str = "an unknown network";
const RESNET: &str = "a ResNet";
const VIT: &str = "a vision transformer (ViT or DeiT)";
const CLIP: &str = "a CLIP model";
const SWIN: &str = "a Swin transformer";
const CONVNEXT: &str = "a ConvNeXt";
const REGNET: &str = "a RegNet";
const DENSENET: &str = "a DenseNet";
const VGG: &str = "a VGG";
const MOBILENET_V2: &str = "a MobileNetV2";
const MOBILENET_V3: &str = "a MobileNetV3";
const EFFICIENTNET_V2: &str = "an EfficientNetV2";

/// Names of timm's, torchvision's, Hugging Face's transformers' and the authors' networks. The first that fits counts: a CLIP model
/// has another network inside.
const TELLTALES: &[Telltale] = &[
    named(CLIP, &["visual.class_embedding"]),
    named(CLIP, &["visual.attnpool.positional_embedding"]),
    named(CLIP, &["vision_model.embeddings.class_embedding"]),
    named(RESNET, &["layer1.0.conv1.weight"]),
    named(RESNET, &["resnet.encoder.stages.0.layers.0.layer.0.convolution.weight"]),
    named(VIT, &["blocks.0.attn.qkv.weight"]),
    named(VIT, &["encoder.layers.encoder_layer_0.self_attention.in_proj_weight"]),
    named(VIT, &["vit.encoder.layer.0.attention.attention.query.weight"]),
    named(VIT, &["deit.encoder.layer.0.attention.attention.query.weight"]),
    named(SWIN, &["layers.0.blocks.0.attn.relative_position_bias_table"]),
    named(SWIN, &["layers.0.blocks.0.attn.cpb_mlp.0.weight"]),
    named(SWIN, &["features.1.0.attn.relative_position_bias_table"]),
    named(SWIN, &["features.1.0.attn.cpb_mlp.0.weight"]),
    named(SWIN, &["swin.encoder.layers.0.blocks.0.attention.self.relative_position_bias_table"]),
    named(CONVNEXT, &["stages.0.blocks.0.conv_dw.weight", "stages.0.blocks.0.mlp.fc1.weight"]),
    named(CONVNEXT, &["stages.0.0.dwconv.weight"]),
    named(CONVNEXT, &["features.1.0.layer_scale"]),
    named(CONVNEXT, &["convnext.encoder.stages.0.layers.0.dwconv.weight"]),
    named(CONVNEXT, &["convnextv2.encoder.stages.0.layers.0.dwconv.weight"]),
    named(REGNET, &["s1.b1.conv1.conv.weight"]),
    named(REGNET, &["trunk_output.block1.block1-0.f.a.0.weight"]),
    named(REGNET, &["regnet.encoder.stages.0.layers.0.layer.0.convolution.weight"]),
    named(DENSENET, &["features.denseblock1.denselayer1.conv1.weight"]),
    named(DENSENET, &["features.denseblock1.denselayer1.conv.1.weight"]),
    // AlexNet's first filters are larger.
    Telltale {
        network: VGG,
        names: &["features.0.weight", "classifier.6.weight"],
        shape: |shape| shape.ends_with(&[3, 3]),
    },
    Telltale {
        network: VGG,
        names: &["features.0.weight", "pre_logits.fc1.weight"],
        shape: |shape| shape.ends_with(&[3, 3]),
    },
    named(MOBILENET_V2, &["features.1.conv.0.0.weight"]),
    named(MOBILENET_V2, &["mobilenet_v2.conv_stem.first_conv.convolution.weight"]),
    // timm's has the names of EfficientNet-Lite, but no filters of 5 x 5.
    Telltale {
        network: MOBILENET_V2,
        names: &["blocks.2.0.conv_dw.weight", "conv_stem.weight", "bn2.weight", "blocks.6.0.conv_pwl.weight"],
        shape: |shape| shape.ends_with(&[3, 3]),
    },
    named(MOBILENET_V3, &["features.1.block.0.0.weight"]),
    named(MOBILENET_V3, &["conv_stem.weight", "conv_head.bias", "blocks.0.0.conv_dw.weight"]),
    named(EFFICIENTNET_V2, &["blocks.1.0.conv_exp.weight", "blocks.0.0.conv.weight", "bn2.weight"]),
    // torchvision's begins with a convolution over all channels, where ours filters each.
    Telltale {
        network: EFFICIENTNET_V2,
        names: &["features.1.0.block.0.0.weight"],
        shape: |shape| matches!(shape, [_, input, 3, 3] if *input > 1),
    },
];

impl Telltale {
    fn is_of(&self, file: &WeightsFile) -> bool {
        let first = self.names.first().and_then(|name| file.shape(name));
        first.is_some_and(self.shape) && self.names.iter().all(|name| file.shape(name).is_some())
    }
}

impl WeightsFile {
    /// The error for weights of this network; `reason` says by what it was told.
    pub(crate) fn other_network(&self, network: impl Into<String>, reason: String) -> Error {
        Error::OtherNetwork { path: self.path().to_owned(), network: network.into(), reason }
    }

    /// The error for tensors whose stem has the name of an EfficientNet's, and which are no published member's. They differ from
    /// those of the nearest one by `difference`.
    pub(crate) fn other_than(&self, nearest: &Arch, difference: &Mismatch) -> Error {
        let nearest = format!(
            "the nearest member is {}, from which it differs: {}",
            nearest.name,
            difference.summary(EXAMPLES)
        );
        match self.recognised() {
            Some((network, reason)) => self.other_network(network, format!("{reason}; {nearest}")),
            None => self.other_network(UNKNOWN, nearest),
        }
    }

    /// Whether the tensors are those of a kind of network that is known, and not of the family.
    pub(crate) fn is_recognised(&self) -> bool {
        self.recognised().is_some()
    }

    /// The kind of network, and the tensor that it was recognised by; nothing if it is unknown, or one of the family.
    pub(crate) fn recognised(&self) -> Option<(&'static str, String)> {
        let telltale = TELLTALES.iter().find(|telltale| telltale.is_of(self))?;
        let tensor = telltale.names.first()?;
        Some((telltale.network, format!("it has a tensor {tensor} {:?}", self.shape(tensor)?)))
    }

    /// The words for an unknown network, with some of its tensors.
    pub(crate) fn unknown(&self) -> (&'static str, String) {
        let examples: Vec<String> = self.shapes().map(|(name, _)| shown(name)).take(EXAMPLES).collect();
        let reason = match examples.is_empty() {
            true => "it has no tensors".to_owned(),
            false => format!("some of its tensors: {}", examples.join(", ")),
        };
        (UNKNOWN, reason)
    }
}
