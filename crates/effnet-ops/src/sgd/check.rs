//! What must hold before a step changes anything.

use std::collections::HashSet;

use candle_core::Result;

use super::param::{NAME, SgdParam};
use crate::error::shape_error;
use crate::{Error, host};

/// Checks that a step of the whole list will succeed. The gradients are contiguous.
///
/// # Errors
/// If the shapes of a parameter, its velocity and its gradient differ; if a tensor is not f32 on the CPU; or if it shares its
/// values with a parameter or velocity of the list: a step would wait for its own lock, or for another task's result.
pub(super) fn check(list: &[SgdParam<'_>]) -> Result<()> {
    for SgdParam { parameter, velocity, gradient } in list {
        let shapes = [parameter.dims(), velocity.dims(), gradient.dims()];
        if shapes[1..].iter().any(|dims| *dims != shapes[0]) {
            let arguments = [("parameter", shapes[0]), ("velocity", shapes[1]), ("gradient", shapes[2])];
            return Err(shape_error(NAME, &arguments, "three equal shapes"));
        }
    }
    let mut changed = HashSet::new();
    for (index, param) in list.iter().enumerate() {
        for (role, tensor) in [("parameter", param.parameter), ("velocity", param.velocity)] {
            if !changed.insert(host::place(NAME, tensor)?) {
                return Err(Error::Shared { op: NAME, role, index }.into());
            }
        }
    }
    for (index, param) in list.iter().enumerate() {
        if changed.contains(&host::place(NAME, param.gradient)?) {
            return Err(Error::Shared { op: NAME, role: "gradient", index }.into());
        }
    }
    Ok(())
}
