//! Which published member a file's tensors are of, told by their names and shapes. No number is read.

use crate::arch::{Arch, Variant};
use crate::classifier::is_classifier;
use crate::error::{Error, Mismatch, Misshapen, Result};
use crate::layouts::{self, Layout};
use crate::shapes::shapes;
use crate::weights::WeightsFile;

/// What timm's names of the members with TensorFlow's padding begin with.
const TENSORFLOW: &str = "tf_";

impl WeightsFile {
    /// The architecture of the weights: what is recorded ([`WeightsFile::arch`]) if anything is, else the published member
    /// (EfficientNet-B0 to B7, Lite0 to Lite4) that has exactly the file's tensors, as the library computes it whose names they have.
    /// The classifier may have any size, or be missing.
    ///
    /// # Errors
    /// [`Error::ArchNeeded`] for timm's names without a record, which the plain member and its `tf_` twin have alike;
    /// [`Error::OtherNetwork`] if no member has these tensors; else as [`WeightsFile::arch`].
    pub fn identify(&self) -> Result<Arch> {
        if let Some(recorded) = self.arch()? {
            return Ok(recorded);
        }
        let layout = self.layout()?;
        let (member, difference) = self.nearest_member()?;
        if difference.len() > 0 {
            return Err(self.other_than(&member, &difference));
        }
        let candidates = with_twin(layout, &member);
        match candidates.len() {
            1 => Ok(layout.flavour(&member)),
            _ => Err(Error::ArchNeeded { path: self.path().to_owned(), candidates }),
        }
    }

    /// The published member whose tensors are most like the file's, and how the file's differ from them. The difference is empty if the
    /// file is that member's. Classifiers are not compared.
    fn nearest_member(&self) -> Result<(Arch, Mismatch)> {
        let mut nearest: Option<(Arch, Mismatch)> = None;
        let channels = self.channels()?;
        for member in members(self.layout()?)? {
            let member = member.with_channels(channels);
            let difference = self.difference_from(&member)?;
            if nearest.as_ref().is_none_or(|(_, least)| difference.len() < least.len()) {
                let is_exact = difference.len() == 0;
                nearest = Some((member, difference));
                if is_exact {
                    break;
                }
            }
        }
        nearest.ok_or_else(|| self.of_no_layout())
    }

    /// How the file's tensors differ from the architecture's, without the classifiers.
    pub(crate) fn difference_from(&self, arch: &Arch) -> Result<Mismatch> {
        let names = layouts::names(self, &arch.plan()?)?;
        let shapes = shapes(arch)?;
        let mut difference = Mismatch::default();
        for (name, expected) in &shapes {
            match names.get(name).and_then(|stored| self.shape(stored)) {
                None => difference.missing.push(name.clone()),
                Some(found) if found != expected => difference.misshapen.push(Misshapen {
                    name: name.clone(),
                    expected: expected.clone(),
                    found: found.to_vec(),
                }),
                Some(_) => {}
            }
        }
        difference.unexpected = names.into_keys().filter(|name| !shapes.contains_key(name)).collect();
        difference.retain(|name| !is_classifier(name));
        Ok(difference)
    }

    /// The error for tensors that are not those of `given`. It says whose they are, as far as that can be told.
    pub(crate) fn misfit(&self, given: &Arch, mismatch: Mismatch) -> Result<Error> {
        let refused = |mismatch, advice| Error::WeightsMismatch {
            path: self.path().to_owned(),
            arch: given.name.clone(),
            mismatch,
            advice,
        };
        if mismatch.names().all(is_classifier) {
            return Ok(refused(mismatch, "only the classifier differs".to_owned()));
        }
        let is_statistic = |name: &str| name.ends_with("running_mean") || name.ends_with("running_var");
        if mismatch.len() == mismatch.missing.len() && mismatch.names().all(is_statistic) {
            let advice = "they are the parameters alone, without batch norm's running statistics; save model.state_dict(), which has both";
            return Ok(refused(mismatch, advice.to_owned()));
        }
        let (member, difference) = self.nearest_member()?;
        if difference.len() > 0 {
            return Ok(match self.is_recognised() {
                true => self.other_than(&member, &difference),
                false => refused(mismatch, "they are not those of any published member".to_owned()),
            });
        }
        let candidates = with_twin(self.layout()?, &member);
        let all = candidates.join(" and of ");
        let is_recorded = matches!(self.arch(), Ok(Some(_)));
        let advice = match candidates.as_slice() {
            same if same.contains(&given.name) => {
                format!("they are {}'s at its published width and depth", given.name)
            }
            _ if is_recorded => format!("they are those of {all}, and what is recorded with them is wrong"),
            [one] => format!("they are {one}'s; give --arch {one} or leave it out"),
            _ => format!("they are those of {all} alike, which differ in padding; give one with --arch"),
        };
        Ok(refused(mismatch, advice))
    }
}

/// The published members that a file of this layout can be of. `tf_` members are left out: their tensors are the plain ones'.
fn members(layout: Layout) -> Result<Vec<Arch>> {
    let names = Arch::names().into_iter().filter(|name| !name.starts_with(TENSORFLOW));
    let mut members = names.map(|name| Arch::by_name(&name)).collect::<Result<Vec<_>>>()?;
    members.retain(|member| layout != Layout::Torchvision || member.variant == Variant::Base);
    Ok(members)
}

/// Names of the members that have this plain member's tensors under the names of this layout: its own and, in timm, its `tf_` twin's.
fn with_twin(layout: Layout, member: &Arch) -> Vec<String> {
    let plain = member.name.clone();
    match layout {
        Layout::Timm => vec![plain, format!("{TENSORFLOW}{}", member.name)],
        Layout::Lukemelas | Layout::Torchvision => vec![plain],
    }
}
