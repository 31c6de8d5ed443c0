//! Things made ahead of their use on a thread of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use dividemix::{Error, prefetch};

#[test]
fn things_come_in_order_and_none_is_lost() {
    let made: Result<Vec<usize>, Error> = prefetch(0..1000, 3, |item| Ok(item * item)).collect();
    assert_eq!(made.unwrap(), (0..1000).map(|item| item * item).collect::<Vec<_>>());
}

#[test]
fn no_more_is_made_ahead_than_asked_for() {
    for depth in [1, 4] {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let mut things = prefetch(0.., depth, move |item: usize| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(item)
        });
        for taken in 1..=20 {
            things.next().unwrap().unwrap();
            sleep(Duration::from_millis(2)); // time enough to make too many
            let made = made.load(Ordering::SeqCst);
            assert!(made <= taken + depth, "{made} made when {taken} were taken");
        }
    }
}

#[test]
fn more_ahead_than_a_channel_can_hold_is_an_error() {
    for depth in [65_537, usize::MAX] {
        let mut items = prefetch(0..3, depth, Ok::<i32, Error>);
        assert!(matches!(items.next(), Some(Err(Error::Depth(found))) if found == depth));
        assert!(items.next().is_none());
    }
    assert_eq!(prefetch(0..3, 65_536, Ok::<i32, Error>).count(), 3);
}

#[test]
fn an_error_comes_in_its_place_and_is_the_last() {
    let things = prefetch(0.., 2, |item| if item == 3 { Err(Error::Stopped) } else { Ok(item) });
    let all: Vec<_> = things.collect();
    assert!(all[..3].iter().map(|thing| *thing.as_ref().unwrap()).eq(0..3));
    assert!(matches!(all[3..], [Err(Error::Stopped)]));
}

#[test]
fn a_panic_becomes_an_error() {
    let things = prefetch([1, 0], 2, |item| Ok::<i32, Error>(12 / item));
    let all: Vec<_> = things.collect();
    assert!(matches!(all[0], Ok(12)));
    let Err(Error::Panicked(message)) = &all[1] else { panic!("{all:?}") };
    assert!(message.contains("divide by zero"), "{message}");
    assert_eq!(all.len(), 2);
}

#[test]
fn dropping_stops_the_thread() {
    let held = Arc::new(());
    let inside = Arc::clone(&held);
    let mut things = prefetch(0.., 2, move |_: u64| Ok::<_, Error>(Arc::clone(&inside)));
    things.next().unwrap().unwrap();
    drop(things);
    assert_eq!(Arc::strong_count(&held), 1, "the thread is gone with all that it held");
}

/// A pool's only thread waits for what is made on that pool: it has to make it itself.
#[test]
fn a_pool_of_one_thread_does_not_wait_for_itself() {
    let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap());
    let inside = Arc::clone(&pool);
    let made: Vec<usize> = pool.install(|| {
        let on_the_pool = move |item: usize| Ok::<_, Error>(inside.install(|| item * item));
        let mut things = prefetch(0.., 2, on_the_pool);
        // Dropped while the next ones are made.
        things.by_ref().take(50).map(Result::unwrap).collect()
    });
    assert!(made.iter().enumerate().all(|(item, square)| *square == item * item));
    assert_eq!(made.len(), 50);
}
