//! Strong views are trained on, and guesses are made on weak ones (AugDesc).
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[allow(dead_code, reason = "shared with other tests")]
mod clouds;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use candle_core::{Tensor, Var};
use clouds::{Clouds, bits, networks, quick};
use dividemix::{
    Event, Hyperparameters, Method, Mode, Network, Phase, Result, TrainingSet, View, ViewSource, train,
};

/// What a strong view has more than a weak one, in every feature.
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
    seen: Arc<Mutex<Vec<(Mode, bool)>>>,
}

impl Network for Noting {
    fn forward_t(&self, batch: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        // A view mixed of strong and weak ones would lie between.
        let smallest = batch.flatten_all()?.min(0)?.to_scalar::<f32>()?;
        let largest = batch.flatten_all()?.max(0)?.to_scalar::<f32>()?;
        let strong = largest > MARK / 2.0;
        assert!(largest - smallest < 100.0, "strong and weak views in one batch");
        self.seen.lock().unwrap().push((mode, strong));
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

/// What was made and what networks saw, from the first epoch after warm-up on or before it.
struct Noted {
    seen: Vec<(Mode, bool)>,
    weak: Vec<View>,
    strong: Vec<View>,
    bits: Vec<u32>,
}

fn run(hyper: &Hyperparameters) -> [Noted; 2] {
    let clouds = Clouds::new(203, 0.3, 5);
    let data = clouds.training_set();
    let source = Arc::new(Marked { views: data.views, weak: Mutex::default(), strong: Mutex::default() });
    let data = TrainingSet { views: Arc::<Marked>::clone(&source), ..data };
    let seen = Arc::new(Mutex::default());
    let noting = |network| Box::new(Noting { network, seen: Arc::clone(&seen) }) as Box<dyn Network>;
    let networks: Vec<_> = networks(hyper.networks(), 3).into_iter().map(noting).collect();
    let mut noted = Vec::new();
    let note = |noted: &mut Vec<Noted>| {
        let take = |views: &Mutex<Vec<View>>| std::mem::take(&mut *views.lock().unwrap());
        noted.push(Noted {
            seen: std::mem::take(&mut *seen.lock().unwrap()),
            weak: take(&source.weak),
            strong: take(&source.strong),
            bits: networks.iter().flat_map(|network| bits(network.as_ref())).collect(),
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
    train(&networks, &data, None, None, hyper, None, &AtomicBool::new(false), &mut observe).unwrap();
    note(&mut noted);
    noted.try_into().ok().expect("two halves")
}

fn with_strong_views(method: Method) -> Hyperparameters {
    Hyperparameters { strong_views: true, ..quick(method) }
}

/// Whether the views of all passes of this kind were strong; there must have been some.
fn all_strong(seen: &[(Mode, bool)], is: impl Fn(&Mode) -> bool) -> bool {
    let of_kind: Vec<bool> = seen.iter().filter(|(mode, _)| is(mode)).map(|(_, strong)| *strong).collect();
    assert!(!of_kind.is_empty() && of_kind.iter().all(|strong| *strong == of_kind[0]), "{seen:?}");
    of_kind[0]
}

#[test]
fn dividemix_guesses_on_weak_views_and_trains_on_strong_ones_after_warm_up() {
    let [warm_up, after] = run(&with_strong_views(Method::DivideMix));
    assert!(warm_up.strong.is_empty(), "AugDesc-WS warms up on weak views");
    assert!(after.seen.len() > warm_up.seen.len());
    assert!(all_strong(&after.seen, |mode| matches!(mode, Mode::Train { .. })));
    assert!(!all_strong(&after.seen, |mode| matches!(mode, Mode::TrainNoGrad { .. })));
    assert!(!all_strong(&after.seen, |mode| matches!(mode, Mode::Eval)));

    // M of both kinds of every sample, and no seed twice.
    assert_eq!(after.weak.len(), after.strong.len());
    let seeds = |views: &[View]| views.iter().map(|view| view.seed).collect::<std::collections::HashSet<_>>();
    let (weak, strong) = (seeds(&after.weak), seeds(&after.strong));
    assert_eq!((weak.len(), strong.len()), (after.weak.len(), after.strong.len()));
    assert!(weak.is_disjoint(&strong));
}

#[test]
fn methods_over_all_samples_train_on_strong_views_throughout() {
    for method in
        [Method::Ce, Method::Smooth, Method::Mixup, Method::Relabel, Method::Reweight, Method::Forward]
    {
        for noted in run(&with_strong_views(method)) {
            assert!(noted.weak.is_empty(), "{method:?}");
            assert!(all_strong(&noted.seen, |mode| matches!(mode, Mode::Train { .. })), "{method:?}");
            assert!(!all_strong(&noted.seen, |mode| matches!(mode, Mode::Eval)), "{method:?}");
        }
    }
}

#[test]
fn a_student_sees_strong_views_and_its_mean_teacher_weak_ones() {
    let [_, after] = run(&with_strong_views(Method::Consistency));
    assert!(all_strong(&after.seen, |mode| matches!(mode, Mode::Train { .. })));
    assert!(!all_strong(&after.seen, |mode| matches!(mode, Mode::TrainNoGrad { .. })));
    assert!(!all_strong(&after.seen, |mode| matches!(mode, Mode::Eval)));
}

/// The source has strong views, but nobody asked for them.
#[test]
fn strong_views_are_made_on_request_alone() {
    for method in [Method::DivideMix, Method::Ce, Method::Consistency] {
        for noted in run(&quick(method)) {
            assert!(noted.strong.is_empty() && !noted.weak.is_empty(), "{method:?}");
        }
        let [_, strong] = run(&with_strong_views(method));
        let [_, weak] = run(&quick(method));
        assert!(strong.bits != weak.bits, "{method:?}");
    }
}
