//! Work on several threads whose outcome is the same as on one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Does `work` for each number below `waits_for.len()` on at most `threads` threads, lower numbers
/// first, and each after all of `waits_for[number]`, which are lower numbers. The results are in
/// the order of the numbers.
///
/// # Errors
/// After a failure nothing more is begun; what is under way is finished, and of several failures
/// the one of the lowest number is returned.
pub fn in_order<T: Send, E: Send>(
    threads: usize,
    waits_for: &[BTreeSet<usize>],
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let state = State { waiting: (0..waits_for.len()).collect(), done: BTreeMap::new() };
    let desk = Desk { state: Mutex::new(state), changed: Condvar::new() };
    let work = || {
        while let Some(number) = desk.next(waits_for) {
            let panic = CloseOnPanic(&desk);
            let result = work(number);
            drop(panic);
            desk.hand_in(number, result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(waits_for.len()) {
            scope.spawn(work);
        }
        work();
    });
    let state = desk.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.done.into_values().collect()
}

/// [`in_order`] for work that waits for nothing: `work(0)` to `work(count - 1)`.
///
/// # Errors
/// As for [`in_order`].
pub fn side_by_side<T: Send, E: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    in_order(threads, &vec![BTreeSet::new(); count], work)
}

struct State<T, E> {
    /// Not begun; emptied by the first failure.
    waiting: BTreeSet<usize>,
    done: BTreeMap<usize, Result<T, E>>,
}

struct Desk<T, E> {
    state: Mutex<State<T, E>>,
    changed: Condvar,
}

impl<T, E> Desk<T, E> {
    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next number that has nothing to wait for; None when there is no more to begin.
    fn next(&self, waits_for: &[BTreeSet<usize>]) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.waiting.is_empty() {
                return None;
            }
            let done = &state.done;
            let is_ready = |n: &&usize| waits_for[**n].iter().all(|other| done.contains_key(other));
            if let Some(&number) = state.waiting.iter().find(is_ready) {
                state.waiting.remove(&number);
                return Some(number);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn hand_in(&self, number: usize, result: Result<T, E>) {
        let mut state = self.lock();
        if result.is_err() {
            state.waiting.clear();
        }
        state.done.insert(number, result);
        self.changed.notify_all();
    }
}

/// Lets the other threads end when one dies.
struct CloseOnPanic<'a, T, E>(&'a Desk<T, E>);

impl<T, E> Drop for CloseOnPanic<'_, T, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().waiting.clear();
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn chain(count: usize, step: usize) -> Vec<BTreeSet<usize>> {
        (0..count).map(|n| n.checked_sub(step).into_iter().collect()).collect()
    }

    #[test]
    fn results_stand_in_order_and_nothing_begins_before_what_it_waits_for() {
        for threads in [1, 2, 8] {
            let ended = Mutex::new(BTreeSet::new());
            let waits_for = chain(40, 3);
            let results = in_order(threads, &waits_for, |n| {
                let before = ended.lock().expect("no panic").clone();
                assert!(waits_for[n].is_subset(&before), "{n} began after {before:?}");
                std::thread::sleep(Duration::from_micros(500 - 10 * n as u64));
                ended.lock().expect("no panic").insert(n);
                Ok::<_, ()>(n)
            });
            assert_eq!(results, Ok((0..40).collect()), "{threads} threads");
        }
    }

    #[test]
    fn independent_work_overlaps() {
        let met = std::sync::Barrier::new(2);
        assert!(side_by_side(2, 2, |_| Ok::<_, ()>(met.wait())).is_ok());
    }

    #[test]
    fn after_a_failure_nothing_begins() {
        let begun = AtomicUsize::new(0);
        let results = in_order(2, &chain(100, 1), |n| {
            begun.fetch_add(1, Ordering::Relaxed);
            if n == 7 { Err(n) } else { Ok(()) }
        });
        assert_eq!(results, Err(7));
        assert_eq!(begun.into_inner(), 8);
    }

    #[test]
    fn a_panic_ends_all_threads() {
        let hangs =
            std::panic::catch_unwind(|| {
                in_order(3, &chain(20, 1), |n| {
                    if n == 4 { panic!("of a test") } else { Ok::<_, ()>(n) }
                })
            });
        assert!(hangs.is_err());
    }

    #[test]
    fn nothing_to_do_is_done() {
        assert_eq!(in_order(4, &[], |_| Ok::<(), ()>(())), Ok(Vec::new()));
    }
}
