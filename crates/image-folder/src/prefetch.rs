//! Things made ahead of their use, on a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::Error;

/// Makes one thing of each item, in order, on a background thread, at most `depth` of them (1 at least)
/// ahead of their use.
///
/// An error that `make` returns, or a panic in it (as [`Error::Panicked`]), comes as an item in its place and
/// is the last. Dropping the iterator stops the thread after what it is making.
pub fn prefetch<I, T, E, F>(items: I, depth: usize, make: F) -> Prefetch<T, E>
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
    F: FnMut(I::Item) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let items = items.into_iter();
    // One more waits in the thread's hands.
    let (sender, receiver) = sync_channel(depth.saturating_sub(1));
    match Builder::new().name("prefetch".to_owned()).spawn(move || work(items, make, &sender)) {
        Ok(thread) => Prefetch { receiver: Some(receiver), thread: Some(thread), refused: None },
        Err(error) => {
            let refused = Error::io("".as_ref(), "starting a thread to prepare batches", error);
            Prefetch { receiver: None, thread: None, refused: Some(refused.into()) }
        }
    }
}

/// The iterator that [`prefetch`] returns.
#[derive(Debug)]
pub struct Prefetch<T, E> {
    receiver: Option<Receiver<Result<T, E>>>,
    thread: Option<JoinHandle<()>>,
    refused: Option<E>,
}

fn work<I, T, E, F>(mut items: I, mut make: F, sender: &SyncSender<Result<T, E>>)
where
    I: Iterator,
    F: FnMut(I::Item) -> Result<T, E>,
    E: From<Error>,
{
    loop {
        let made = catch_unwind(AssertUnwindSafe(|| items.next().map(&mut make)));
        let made = match made {
            Ok(None) => return,
            Ok(Some(made)) => made,
            Err(panic) => Err(Error::Panicked(message(&*panic)).into()),
        };
        let last = made.is_err();
        if sender.send(made).is_err() || last {
            return;
        }
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason was given").to_owned()
}

impl<T, E> Iterator for Prefetch<T, E> {
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(refused) = self.refused.take() {
            return Some(Err(refused));
        }
        received(self.receiver.as_ref()?)
    }
}

/// Between two looks when the pool has nothing to do.
const NAP: Duration = Duration::from_micros(100);

/// The next thing, once it is there.
///
/// A thread of rayon's pool works for the pool in the meantime: what is waited for may be made on that pool, which may
/// have no other thread.
fn received<T>(receiver: &Receiver<T>) -> Option<T> {
    loop {
        match receiver.try_recv() {
            Ok(thing) => return Some(thing),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        match rayon::yield_now() {
            None => return receiver.recv().ok(),
            Some(rayon::Yield::Executed) => {}
            Some(rayon::Yield::Idle) => match receiver.recv_timeout(NAP) {
                Ok(thing) => return Some(thing),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            },
        }
    }
}

impl<T, E> Drop for Prefetch<T, E> {
    fn drop(&mut self) {
        self.receiver = None; // the thread's next send fails, which ends it
        if let Some(thread) = self.thread.take() {
            // Its last batch may need this very thread, as in `received`.
            while !thread.is_finished() {
                match rayon::yield_now() {
                    None => break,
                    Some(rayon::Yield::Executed) => {}
                    Some(rayon::Yield::Idle) => std::thread::sleep(NAP),
                }
            }
            // It can't have panicked: `work` catches what `make` and the items throw.
            let _ = thread.join();
        }
    }
}
