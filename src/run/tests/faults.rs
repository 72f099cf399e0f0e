//! Every storage operation of a run fails once, in every way, and the run is then repeated.
//!
//! What must hold whatever happens: readers see whole files that commits made (G1, G6), the
//! manifest's objects are there (G2), the next runs come to what an undisturbed one comes to (G3),
//! and then change nothing (G4). Two runs at once (G5) are `simulation`'s.

use std::sync::Mutex;

use super::*;
use crate::storage::fake::{Operation, What};

/// A beginning of a run, and what it must come to.
struct Scene {
    name: &'static str,
    bench: Bench,
    world: Arc<World>,
    expected: BTreeMap<String, String>,
    /// Of a run that nothing disturbs.
    operations: Vec<Operation>,
    /// A copy of the folder that a run starts from.
    folder: Option<(tempfile::TempDir, PathBuf)>,
}

impl Scene {
    /// A first run, or one that finds a new day, a changed one and a vanished one.
    fn new(name: &'static str, in_bucket: bool, is_first: bool) -> Scene {
        let folder = (!in_bucket).then(temporary);
        let root = folder.as_ref().map(|f| f.path().join("now"));
        let bench = root.as_deref().map_or_else(Bench::in_bucket, Bench::in_folder).audited();
        let world = Arc::new(World::default());
        (0..2).for_each(|n| bench.log(&world, n, 1));
        if !is_first {
            bench.run(&world).expect("runs");
            bench.log(&world, 1, 2);
            bench.log(&world, 2, 1);
            bench.remove_log(&world, 0);
        }
        let folder = folder.map(|f| {
            copy(&f.path().join("now"), &f.path().join("start"));
            let now = f.path().join("now");
            (f, now)
        });
        let mut scene =
            Scene { name, bench, world, expected: BTreeMap::new(), operations: Vec::new(), folder };
        let world = scene.start();
        world.play(|_| Fault::None);
        scene.bench.run(&world).expect("runs");
        scene.operations = world.operations();
        scene.bench.check(&world, name);
        scene.expected = scene.bench.promised(&world);
        scene
    }

    /// The world as it was, to be disturbed.
    fn start(&self) -> Arc<World> {
        if let Some((folder, now)) = &self.folder {
            let _ = std::fs::remove_dir_all(now);
            copy(&folder.path().join("start"), now);
        }
        self.world.copy()
    }

    /// Runs with `fault` at operation `at`, then undisturbed until it succeeds.
    fn survives(&self, faults: &[(usize, Fault)], later: &[(usize, Fault)]) {
        let case = format!("{}: {faults:?} then {later:?}", self.name);
        let world = self.start();
        world.play(script(faults));
        let first = self.bench.run(&world);
        world.play(script(later));
        let is_torn = faults.iter().any(|(_, fault)| *fault == Fault::Torn);
        if first.is_ok() && !is_torn && later.is_empty() {
            self.bench.check(&world, &case);
        }
        let mut outcome = self.bench.run(&world);
        world.play(|_| Fault::None);
        self.bench.seen(&world, &case);
        for _ in 0..3 {
            if outcome.is_ok() {
                break;
            }
            if let Err(error) = &outcome
                && later.is_empty()
            {
                // Somebody else's commit, which was under way, has arrived.
                assert_eq!(error.kind, ErrorKind::Conflict, "{case}: {error}");
            }
            outcome = self.bench.run(&world);
        }
        world.land_all();
        let last = self.bench.run(&world);
        assert!(last.is_ok(), "{case}: {last:?}");
        self.bench.check(&world, &case);
        assert_eq!(self.bench.promised(&world), self.expected, "{case}");
        let before = self.bench.objects(&world);
        self.bench.run(&world).expect("runs");
        assert_eq!(self.bench.objects(&world), before, "{case}: G4");
    }

    fn single_faults(&self) -> usize {
        let mut cases = 0;
        for operation in &self.operations {
            for fault in Fault::ALL.into_iter().filter(|fault| self.can(operation, *fault)) {
                self.survives(&[(operation.number, fault)], &[]);
                cases += 1;
            }
        }
        cases
    }

    fn can(&self, operation: &Operation, fault: Fault) -> bool {
        let is_read = matches!(operation.what, What::Read | What::List);
        match fault {
            Fault::Torn => is_read,
            Fault::Conflict => matches!(operation.what, What::Create | What::Replace),
            // Nothing is under way on a disk when the call has returned.
            Fault::Late(_) => !is_read && self.folder.is_none(),
            // To a reader it is the same as before.
            Fault::After | Fault::DieAfter => !is_read,
            _ => true,
        }
    }

    /// The operations from the first commit of built partitions on.
    fn commit_phase(&self) -> Vec<Operation> {
        let is_commit = |o: &&Operation| {
            o.key.contains("/_chatkpi/log/")
                || o.key.contains("/_chatkpi/done/")
                || !o.key.contains("/_chatkpi/")
        };
        let wrote = |o: &&Operation| !matches!(o.what, What::List) && o.key.contains("b/w/");
        self.operations.iter().filter(wrote).filter(is_commit).cloned().collect()
    }

    /// One fault in the commit phase and a second one in the run after it; every `stride`th pair.
    fn pairs(&self, stride: usize) -> usize {
        let faults = [
            Fault::Before,
            Fault::After,
            Fault::Conflict,
            Fault::Late(6),
            Fault::Late(1_000),
            Fault::DieBefore,
            Fault::DieAfter,
        ];
        let (mut pair, mut cases) = (0, 0);
        for first in self.commit_phase() {
            for fault in faults.into_iter().filter(|fault| self.can(&first, *fault)) {
                for second in 0..self.operations.len() {
                    for then in faults {
                        pair += 1;
                        if pair % stride == 0 {
                            self.survives(&[(first.number, fault)], &[(second, then)]);
                            cases += 1;
                        }
                    }
                }
            }
        }
        cases
    }
}

fn script(faults: &[(usize, Fault)]) -> impl Fn(&Operation) -> Fault + Send + Sync + 'static {
    let left = Mutex::new(faults.to_vec());
    move |operation| {
        let mut left = left.lock().expect("no test panicked");
        let at = left.iter().position(|(number, _)| *number == operation.number);
        at.map_or(Fault::None, |at| left.remove(at).1)
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("creates");
    for entry in std::fs::read_dir(from).expect("lists").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target),
            // A log's identity holds its inode and its time.
            false => std::fs::hard_link(&path, &target).expect("links"),
        }
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the number of cases is the test's worth")]
fn every_single_fault_in_a_bucket_is_survived() {
    for (name, is_first) in [("first run in a bucket", true), ("changes in a bucket", false)] {
        let scene = Scene::new(name, true, is_first);
        let cases = scene.single_faults();
        assert!(cases > 100, "{name}: only {cases} faults");
        eprintln!("{name}: {} operations, {cases} faults", scene.operations.len());
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the number of cases is the test's worth")]
fn every_single_fault_on_disk_is_survived() {
    for (name, is_first) in [("first run on disk", true), ("changes on disk", false)] {
        let scene = Scene::new(name, false, is_first);
        let cases = scene.single_faults();
        assert!(cases > 60, "{name}: only {cases} faults");
        eprintln!("{name}: {} operations, {cases} faults", scene.operations.len());
    }
}

#[test]
fn pairs_of_faults_around_a_commit_are_survived() {
    assert!(Scene::new("changes in a bucket", true, false).pairs(211) > 20);
}

#[test]
#[ignore = "minutes: `just soak` runs it, CI a slice of it"]
#[expect(clippy::print_stderr, reason = "the number of cases is the test's worth")]
fn soak_all_pairs_of_faults_around_a_commit() {
    let cases = Scene::new("changes in a bucket", true, false).pairs(1);
    eprintln!("{cases} pairs of faults");
}
