//! The objective of a training step.

use candle_core::{DType, Device, Tensor};

use crate::Result;

/// The loss of a step and the parts of it that are reported ([`crate::Losses`]). All are scalars.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dividemix::Objective;
///
/// let scalar = |value: f32| Tensor::new(value, &Device::Cpu);
/// let objective = Objective::new(scalar(1.0)?).with_term(0.5, || Ok(scalar(4.0)?))?;
/// assert_eq!(objective.loss.to_scalar::<f32>()?, 3.0);
/// assert_eq!(objective.loss_u.map(|term| term.to_scalar::<f32>()).transpose()?, Some(4.0));
/// # Ok::<(), dividemix::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Objective {
    /// The loss that is minimised.
    pub loss: Tensor,
    /// L_X: the loss on labels.
    pub loss_x: Tensor,
    /// L_U: a term on predictions, unweighted.
    pub loss_u: Option<Tensor>,
    /// L_reg: a regulariser, unweighted.
    pub loss_reg: Option<Tensor>,
}

impl Objective {
    /// A loss on labels alone.
    pub fn new(loss_x: Tensor) -> Self {
        Self { loss: loss_x.clone(), loss_x, loss_u: None, loss_reg: None }
    }

    /// The objective plus `weight` times a term that is reported as L_U. A weight of 0 leaves the term out.
    ///
    /// # Errors
    /// What `term` returns, and candle's.
    pub fn with_term(self, weight: f64, term: impl FnOnce() -> Result<Tensor>) -> Result<Self> {
        if weight == 0.0 {
            return Ok(self);
        }
        let term = term()?;
        Ok(Self { loss: (&self.loss + (&term * weight)?)?, loss_u: Some(term), ..self })
    }

    /// The interpolation `(1 - share) loss + share term`; the term is reported as L_U. A share of 0 leaves the term out.
    ///
    /// # Errors
    /// What `term` returns, and candle's.
    pub fn interpolated(self, share: f64, term: impl FnOnce() -> Result<Tensor>) -> Result<Self> {
        if share == 0.0 {
            return Ok(self);
        }
        Self { loss: (&self.loss * (1.0 - share))?, ..self }.with_term(share, term)
    }

    /// The objective plus `weight` times a regulariser that is reported as L_reg. A weight of 0 leaves it out.
    ///
    /// # Errors
    /// What `term` returns, and candle's.
    pub fn with_regulariser(self, weight: f64, term: impl FnOnce() -> Result<Tensor>) -> Result<Self> {
        if weight == 0.0 {
            return Ok(self);
        }
        let term = term()?;
        Ok(Self { loss: (&self.loss + (&term * weight)?)?, loss_reg: Some(term), ..self })
    }

    /// The objective plus `weight` times a penalty that is not reported. A weight of 0 leaves it out.
    ///
    /// # Errors
    /// What `penalty` returns, and candle's.
    pub fn with_penalty(self, weight: f64, penalty: impl FnOnce() -> Result<Tensor>) -> Result<Self> {
        if weight == 0.0 {
            return Ok(self);
        }
        Ok(Self { loss: (&self.loss + (penalty()? * weight)?)?, ..self })
    }

    /// The numbers of loss, L_X, L_U and L_reg, fetched from their device in one copy.
    pub(crate) fn fetch(&self) -> Result<(f64, [Option<f64>; 3])> {
        let parts = [Some(&self.loss_x), self.loss_u.as_ref(), self.loss_reg.as_ref()];
        let present: Vec<Tensor> =
            std::iter::once(&self.loss).chain(parts.into_iter().flatten()).map(Tensor::detach).collect();
        let values = Tensor::stack(&present, 0)?.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        let mut values = values.to_vec1::<f64>()?.into_iter();
        let loss = values.next().unwrap_or(f64::NAN);
        Ok((loss, parts.map(|part| part.and_then(|_| values.next()))))
    }
}
