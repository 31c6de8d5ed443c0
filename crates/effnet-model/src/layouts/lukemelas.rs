//! The names of lukemelas's EfficientNet-PyTorch: blocks are numbered through, and a block's parts are named by role.

use crate::plan::Plan;

pub(super) const STEM: &str = "_conv_stem.weight";

/// timm's name, or none if this is no name of lukemelas's for such a network.
pub(super) fn to_timm(name: &str, plan: &Plan) -> Option<String> {
    let (module, parameter) = name.rsplit_once('.')?;
    let module = match module {
        "_conv_stem" => "conv_stem".to_string(),
        "_bn0" => "bn1".to_string(),
        "_conv_head" => "conv_head".to_string(),
        "_bn1" => "bn2".to_string(),
        "_fc" => "classifier".to_string(),
        _ => block(module.strip_prefix("_blocks.")?, plan)?,
    };
    Some(format!("{module}.{parameter}"))
}

fn block(module: &str, plan: &Plan) -> Option<String> {
    let (number, part) = module.split_once('.')?;
    let mut index: usize = number.parse().ok()?;
    let stage = plan.stages.iter().position(|blocks| {
        let here = index < blocks.len();
        if !here {
            index -= blocks.len();
        }
        here
    })?;
    let part = match (plan.stages[stage][index].expands(), part) {
        (true, "_expand_conv") => "conv_pw",
        (true, "_bn0") => "bn1",
        (true, "_bn1") => "bn2",
        (true, "_project_conv") => "conv_pwl",
        (true, "_bn2") => "bn3",
        (false, "_bn1") => "bn1",
        (false, "_project_conv") => "conv_pw",
        (false, "_bn2") => "bn2",
        (_, "_depthwise_conv") => "conv_dw",
        (_, "_se_reduce") => "se.conv_reduce",
        (_, "_se_expand") => "se.conv_expand",
        _ => return None,
    };
    Some(format!("blocks.{stage}.{index}.{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arch;

    #[test]
    fn blocks_are_numbered_by_stage_and_their_parts_by_position() {
        let plan = Arch::by_name("b1").unwrap().plan().unwrap();
        let timm = |name| to_timm(name, &plan);
        let is = |name: &str| Some(name.to_string());
        assert_eq!(timm("_conv_stem.weight"), is("conv_stem.weight"));
        assert_eq!(timm("_bn1.running_var"), is("bn2.running_var"));
        assert_eq!(timm("_fc.bias"), is("classifier.bias"));
        // B1 has 2, 3, 3, ... blocks.
        assert_eq!(timm("_blocks.1._project_conv.weight"), is("blocks.0.1.conv_pw.weight"));
        assert_eq!(timm("_blocks.1._bn1.weight"), is("blocks.0.1.bn1.weight"));
        assert_eq!(timm("_blocks.2._expand_conv.weight"), is("blocks.1.0.conv_pw.weight"));
        assert_eq!(timm("_blocks.5._bn1.bias"), is("blocks.2.0.bn2.bias"));
        assert_eq!(timm("_blocks.4._se_reduce.bias"), is("blocks.1.2.se.conv_reduce.bias"));
        assert_eq!(timm("_blocks.99._bn1.bias"), None);
        assert_eq!(timm("_blocks.0._bn0.bias"), None, "the first stage has no expansion");
        assert_eq!(timm("_blocks.x._bn0.bias"), None);
    }
}
