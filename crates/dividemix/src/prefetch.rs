//! Items made ahead of their use, on a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::Error;

/// An iterator over what `make` makes of each item, in order, on a background thread. At most `depth` of them are made ahead of
/// their use; 0 counts as 1.
///
/// An error that `make` returns, or a panic in it (as [`Error::Panicked`]), comes in the place of the item and
/// is the last. A `depth` above 65,536 is such an error ([`Error::Depth`]). Dropping the iterator stops the thread after the item
/// that it is making.
pub fn prefetch<I, T, E, F>(items: I, depth: usize, make: F) -> Prefetch<T, E>
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
    F: FnMut(I::Item) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let refuse = |error: Error| Prefetch { receiver: None, thread: None, refused: Some(error.into()) };
    if depth > DEEPEST {
        return refuse(Error::Depth(depth));
    }
    let items = items.into_iter();
    // The thread holds one more, which waits for its place in the channel.
    let (sender, receiver) = sync_channel(depth.saturating_sub(1));
    match Builder::new().name("prefetch".to_owned()).spawn(move || work(items, make, &sender)) {
        Ok(thread) => Prefetch { receiver: Some(receiver), thread: Some(thread), refused: None },
        Err(error) => refuse(Error::Thread(error)),
    }
}

/// The largest number of items made ahead. A channel allocates its places at once.
const DEEPEST: usize = 1 << 16;

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

/// The time between two looks for work when the pool has nothing to do.
const NAP: Duration = Duration::from_micros(100);

/// The next item, once it is made.
///
/// A thread of rayon's pool works for the pool in the meantime, because the item may be made on that pool, which may
/// have no other thread.
fn received<T>(receiver: &Receiver<T>) -> Option<T> {
    loop {
        match receiver.try_recv() {
            Ok(item) => return Some(item),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        match rayon::yield_now() {
            None => return receiver.recv().ok(),
            Some(rayon::Yield::Executed) => {}
            Some(rayon::Yield::Idle) => match receiver.recv_timeout(NAP) {
                Ok(item) => return Some(item),
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
