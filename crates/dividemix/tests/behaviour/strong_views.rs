//! Strong views are trained on, and guesses are made on weak ones (AugDesc).
use std::sync::{Arc, Mutex};

use candle_core::{Tensor, Var};
use dividemix::{
    Event, Hyperparameters, MethodKind, Mode, Network, Phase, Result, Training, TrainingSet, View, ViewSource,
};

use crate::gaussian_blobs::{GaussianBlobs, all_bits, networks, quick};

/// The difference of a strong view from a weak one, in every feature.
const MARK: f32 = 1000.0;

/// A source whose strong views can be told by their numbers, and which notes what it is asked for.
struct Marked {
    views: Arc<dyn ViewSource>,
    weak: Mutex<Vec<View>>,
    strong: Mutex<Vec<View>>,
}

impl ViewSource for Marked {
    fn len(&self) -> usize {
        self.views.len()
    }

    fn plain(&self, samples: &[usize]) -> Result<Tensor> {
        self.views.plain(samples)
    }

    fn augmented(&self, views: &[View]) -> Result<Tensor> {
        self.weak.lock().unwrap().extend(views);
        self.views.augmented(views)
    }

    fn strong(&self, views: &[View]) -> Result<Tensor> {
        self.strong.lock().unwrap().extend(views);
        Ok((self.views.augmented(views)? + f64::from(MARK))?)
    }
}

/// A network that notes of which kind the views of each pass are, and works on them without the mark.
struct Noting {
    network: Box<dyn Network>,
    /// Mode, and whether the views were strong.
    passes: Arc<Mutex<Vec<(Mode, bool)>>>,
}

impl Network for Noting {
    fn forward_t(&self, batch: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        // A view mixed of strong and weak ones would lie between.
        let smallest = batch.flatten_all()?.min(0)?.to_scalar::<f32>()?;
        let largest = batch.flatten_all()?.max(0)?.to_scalar::<f32>()?;
        let strong = largest > MARK / 2.0;
        assert!(largest - smallest < 100.0, "strong and weak views in one batch");
        self.passes.lock().unwrap().push((mode, strong));
        let mark = if strong { f64::from(MARK) } else { 0.0 };
        self.network.forward_t(&(batch - mark)?, mode)
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        self.network.parameters()
    }

    fn buffers(&self) -> Vec<(String, Var)> {
        self.network.buffers()
    }
}

/// The views that were made and the passes through networks, from the first epoch after warm-up on or before it.
struct Noted {
    passes: Vec<(Mode, bool)>,
    weak: Vec<View>,
    strong: Vec<View>,
    bits: Vec<u64>,
}

fn run(hyper: &Hyperparameters) -> [Noted; 2] {
    let hyper = hyper.check().unwrap();
    let blobs = GaussianBlobs::new(203, 0.3, 5);
    let data = blobs.training_set();
    let source = Arc::new(Marked { views: data.views, weak: Mutex::default(), strong: Mutex::default() });
    let data = TrainingSet { views: Arc::<Marked>::clone(&source), ..data };
    let passes = Arc::new(Mutex::default());
    let noting = |network| Box::new(Noting { network, passes: Arc::clone(&passes) }) as Box<dyn Network>;
    let networks: Vec<_> = networks(hyper.networks(), 3).into_iter().map(noting).collect();
    let mut noted = Vec::new();
    let note = |noted: &mut Vec<Noted>| {
        let take = |views: &Mutex<Vec<View>>| std::mem::take(&mut *views.lock().unwrap());
        noted.push(Noted {
            passes: std::mem::take(&mut *passes.lock().unwrap()),
            weak: take(&source.weak),
            strong: take(&source.strong),
            bits: all_bits(&networks),
        });
    };
    let mut observe = |event: Event| {
        if let Event::EpochStarted { phase: Phase::Train, .. } = event
            && noted.is_empty()
        {
            note(&mut noted);
        }
        Ok(())
    };
    Training::new(&networks, &data, &hyper).run(&mut observe).unwrap();
    note(&mut noted);
    noted.try_into().ok().expect("two halves")
}

fn with_strong_views(method: MethodKind) -> Hyperparameters {
    Hyperparameters { strong_views: true, ..quick(method) }
}

/// Whether the views of all passes of this kind were strong; there must have been some.
fn all_strong(passes: &[(Mode, bool)], is: impl Fn(&Mode) -> bool) -> bool {
    let of_kind: Vec<bool> = passes.iter().filter(|(mode, _)| is(mode)).map(|(_, strong)| *strong).collect();
    assert!(!of_kind.is_empty() && of_kind.iter().all(|strong| *strong == of_kind[0]), "{passes:?}");
    of_kind[0]
}

#[test]
fn dividemix_guesses_on_weak_views_and_trains_on_strong_ones_after_warm_up() {
    let [warm_up, after] = run(&with_strong_views(MethodKind::DivideMix));
    assert!(warm_up.strong.is_empty(), "AugDesc-WS warms up on weak views");
    assert!(after.passes.len() > warm_up.passes.len());
    assert!(all_strong(&after.passes, |mode| matches!(mode, Mode::Train { .. })));
    assert!(!all_strong(&after.passes, |mode| matches!(mode, Mode::TrainNoGrad { .. })));
    assert!(!all_strong(&after.passes, |mode| matches!(mode, Mode::Eval)));

    // M of both kinds of every sample, and no seed twice.
    assert_eq!(after.weak.len(), after.strong.len());
    let seeds = |views: &[View]| views.iter().map(|view| view.seed).collect::<std::collections::HashSet<_>>();
    let (weak, strong) = (seeds(&after.weak), seeds(&after.strong));
    assert_eq!((weak.len(), strong.len()), (after.weak.len(), after.strong.len()));
    assert!(weak.is_disjoint(&strong));
}

#[test]
fn methods_over_all_samples_train_on_strong_views_throughout() {
    for method in [
        MethodKind::Ce,
        MethodKind::Smooth,
        MethodKind::Mixup,
        MethodKind::Relabel,
        MethodKind::Reweight,
        MethodKind::Forward,
    ] {
        for noted in run(&with_strong_views(method)) {
            assert!(noted.weak.is_empty(), "{method:?}");
            assert!(all_strong(&noted.passes, |mode| matches!(mode, Mode::Train { .. })), "{method:?}");
            assert!(!all_strong(&noted.passes, |mode| matches!(mode, Mode::Eval)), "{method:?}");
        }
    }
}

#[test]
fn a_student_sees_strong_views_and_its_mean_teacher_weak_ones() {
    let [_, after] = run(&with_strong_views(MethodKind::Consistency));
    assert!(all_strong(&after.passes, |mode| matches!(mode, Mode::Train { .. })));
    assert!(!all_strong(&after.passes, |mode| matches!(mode, Mode::TrainNoGrad { .. })));
    assert!(!all_strong(&after.passes, |mode| matches!(mode, Mode::Eval)));
}

/// The source has strong views, but the settings don't ask for them.
#[test]
fn strong_views_are_made_on_request_alone() {
    for method in [MethodKind::DivideMix, MethodKind::Ce, MethodKind::Consistency] {
        for noted in run(&quick(method)) {
            assert!(noted.strong.is_empty() && !noted.weak.is_empty(), "{method:?}");
        }
        let [_, strong] = run(&with_strong_views(method));
        let [_, weak] = run(&quick(method));
        assert!(strong.bits != weak.bits, "{method:?}");
    }
}
