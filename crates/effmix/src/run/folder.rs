//! The run folder: what is in it under which name, and that nothing of a user's is ever replaced.

use std::fs;
use std::path::{Path, PathBuf};

use replace_file::{create_folder, folder_of, remove_leftovers, sync_folder};

use super::config::Config;
use crate::files::start_of;
use crate::{Error, Result};

/// A folder that holds one run. The names of its files are fixed: other programs rely on them.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

/// The file that marks a folder of several runs.
pub(crate) const SWEEP: &str = "sweep.toml";

/// What `config.toml` of a run and `sweep.toml` begin with.
const START_OF_OURS: &[u8] = b"program = \"effmix";

/// Every file that a run writes, and so may replace under `--force`. Folders are in [`OUR_FOLDERS`].
const OUR_FILES: [&str; 23] = [
    "config.toml",
    "estimate.json",
    "metrics.jsonl",
    "timing.jsonl",
    "plain_metrics.jsonl",
    "label_issues.csv",
    "label_issues.parquet",
    "datalab.csv",
    "metadata.csv",
    "label_studio.json",
    "label_studio.xml",
    "data_issues.csv",
    "pred_probs.npy",
    "losses.npy",
    "confusion_given_suggested.npy",
    "transition_confident.npy",
    "transition_division.npy",
    "division.json",
    "loss_trajectories.npy",
    "predicted_trajectories.npy",
    "summary.json",
    "skipped.json",
    "report.html",
];

/// Folders of a run, with the endings of our files in them.
const OUR_FOLDERS: [(&str, &[&str]); 3] = [
    ("model", &["safetensors", "json"]),
    ("checkpoints/plain", &["safetensors", "json"]),
    ("checkpoints", &["safetensors", "json"]),
];

impl RunFolder {
    /// Whether `path` is the folder of a run or of several, by what this program wrote into it, so that it is no folder of images.
    pub fn is_at(path: &Path) -> bool {
        // A run's file begins with the program's name; nothing else is read of another's, however long it is.
        let is_ours = |file: PathBuf| file.is_file() && start_of(&file, START_OF_OURS.len()) == START_OF_OURS;
        ["config.toml", SWEEP].iter().map(|name| path.join(name)).any(is_ours)
    }

    /// Makes the folder for a new run: at `out`, or `runs/NAME-1` with the next free number.
    ///
    /// # Errors
    /// [`Error::Output`] if `out` is there already, unless `force`; and with it too if a file stands in
    /// the way that no run of this program wrote.
    pub fn create(out: Option<&Path>, name: &str, force: bool) -> Result<Self> {
        let Some(out) = out else { return Self::next_free(name) };
        if let Some(parent) = out.parent() {
            create_folder(parent).map_err(Error::io("can't create", parent))?;
        }
        match fs::create_dir(out) {
            Ok(()) => Self::sync(out)?,
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => clear(out, force)?,
            Err(e) => return Err(Error::io("can't create", out)(e)),
        }
        Ok(Self { path: out.to_owned() })
    }

    /// Brings the name of a new folder to the disk.
    fn sync(path: &Path) -> Result<()> {
        sync_folder(folder_of(path)).map_err(Error::io("can't create", path))
    }

    /// `runs/NAME-1`, or the next number after the highest that is there.
    fn next_free(name: &str) -> Result<Self> {
        let runs = Path::new("runs");
        create_folder(runs).map_err(Error::io("can't create", runs))?;
        let mut number = 1;
        loop {
            let path = runs.join(format!("{name}-{number}"));
            // Creating is the test, so that two runs started together don't share a folder.
            match fs::create_dir(&path) {
                Ok(()) => {
                    Self::sync(&path)?;
                    return Ok(Self { path });
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(Error::io("can't create", path)(e)),
            }
        }
    }

    /// The files that a new run at `out` takes away under `--force`.
    pub(super) fn removed_by_force(out: &Path) -> Result<Vec<PathBuf>> {
        if out.is_dir() { our_files(out) } else { Ok(Vec::new()) }
    }

    /// The folder of an earlier run, and its configuration.
    ///
    /// # Errors
    /// [`Error::Format`] if there is no `config.toml` of ours.
    pub fn open(path: &Path) -> Result<(Self, Config)> {
        let file = path.join("config.toml");
        let not_a_run = |problem: &str| Error::Format { path: path.to_owned(), problem: problem.to_owned() };
        if let Some(error) = Self::of_several_at(path) {
            return Err(error);
        }
        if !file.is_file() {
            return Err(not_a_run("not a run folder: there is no config.toml in it"));
        }
        let config = Config::read(&file)?;
        if !config.is_ours() {
            return Err(not_a_run("not a run folder: its config.toml was not written by a run of effmix"));
        }
        Ok((Self { path: path.to_owned() }, config))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder of the trained model.
    pub fn model(&self) -> PathBuf {
        self.path.join("model")
    }

    /// The folder of the checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The folder of the checkpoints of the demo's plain training.
    pub fn plain_checkpoints(&self) -> PathBuf {
        self.checkpoints().join("plain")
    }

    /// Whether all results are there: the summary is written last.
    pub fn is_finished(&self) -> bool {
        self.file("summary.json").is_file()
    }

    /// Removes temporary files that a process which was killed has left in the folder. No other process may be writing there.
    pub(super) fn remove_leftovers(&self) -> Result<()> {
        let folders = OUR_FOLDERS.map(|(folder, _)| self.path.join(folder));
        for folder in std::iter::once(&self.path).chain(&folders) {
            remove_leftovers(folder).map_err(Error::io("can't clear", folder))?;
        }
        Ok(())
    }

    /// The error for a folder of several runs where one run is meant; `None` where `path` is no such folder.
    pub(crate) fn of_several_at(path: &Path) -> Option<Error> {
        if path.join("config.toml").is_file() || !path.join(SWEEP).is_file() {
            return None;
        }
        let runs = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let first = runs.filter(|run| Self::is_at(run)).min();
        let example = first.map_or_else(String::new, |run| format!(", such as {}", run.display()));
        let problem = format!("is a folder of several runs; name one of the run folders in it{example}");
        Some(Error::Format { path: path.to_owned(), problem })
    }

    /// The unfinished run whose folder, or the folder of whose model, `path` is.
    pub(crate) fn unfinished_at(path: &Path) -> Option<Self> {
        let within = path.parent().filter(|_| path.ends_with("model"));
        let runs = [Some(path), within].into_iter().flatten();
        runs.filter_map(|run| Self::open(run).ok()).map(|(run, _)| run).find(|run| !run.is_finished())
    }

    /// The error for a use of this run before its end.
    pub(crate) fn unfinished(&self) -> Error {
        let problem = format!("is not finished; finish it with: effmix resume {}", self.path.display());
        Error::Format { path: self.path.clone(), problem }
    }

    /// Makes a finished run an unfinished one, which is trained further.
    pub(super) fn unfinish(&self) -> Result<()> {
        let summary = self.file("summary.json");
        match fs::remove_file(&summary) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("can't remove", summary)(e)),
            _ => Ok(()),
        }
    }
}

/// Makes an existing folder ready for a new run, by taking away what an earlier run wrote and nothing else.
fn clear(path: &Path, force: bool) -> Result<()> {
    let refused = |remedy: &str| {
        Err(Error::Output { path: path.to_owned(), problem: format!("exists already; {remedy}") })
    };
    if !force {
        return refused("choose another --out, or add --force to replace an earlier run there");
    }
    if !path.is_dir() {
        return refused("it is not a folder; choose another --out");
    }
    if path.join(SWEEP).exists() {
        return refused("it is a folder of several runs, not of one; choose another --out");
    }
    let ours: Vec<PathBuf> = our_files(path)?;
    if ours.is_empty() {
        return Ok(());
    }
    let Ok((run, _)) = RunFolder::open(path) else {
        return refused(
            "it holds files that no run of effmix wrote (no config.toml of ours), so --force won't replace them; \
             choose another --out",
        );
    };
    run.remove_leftovers()?;
    // The configuration goes last: if this is cut off, the folder is still known as ours.
    for file in ours.iter().rev() {
        fs::remove_file(file).map_err(Error::io("can't remove", file))?;
    }
    for (folder, _) in OUR_FOLDERS {
        // Fails if something foreign is in it, and then the folder stays.
        let _ = fs::remove_dir(path.join(folder));
    }
    Ok(())
}

/// The files in a folder that bear the names of ours, `config.toml` first.
fn our_files(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> =
        OUR_FILES.iter().map(|name| path.join(name)).filter(|file| file.exists()).collect();
    for (folder, endings) in OUR_FOLDERS {
        let folder = path.join(folder);
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(Error::io("can't read", &folder))? {
            let file = entry.map_err(Error::io("can't read", &folder))?.path();
            let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if file.is_file() && endings.contains(&ending) {
                found.push(file);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn a_run_in(path: &Path) {
        Config::of_run(&Settings::default(), &["a".to_owned(), "b".to_owned()])
            .write(&path.join("config.toml"))
            .unwrap();
        fs::create_dir_all(path.join("model")).unwrap();
        fs::write(path.join("model/net1.safetensors"), "weights").unwrap();
        fs::write(path.join("summary.json"), "{}").unwrap();
    }

    #[test]
    fn an_existing_output_is_refused_without_force() {
        let folder = tempfile::tempdir().unwrap();
        let refused = RunFolder::create(Some(folder.path()), "x", false);
        assert!(refused.unwrap_err().to_string().contains("--force"));
    }

    #[test]
    fn force_replaces_an_earlier_run_and_keeps_what_is_not_of_it() {
        let folder = tempfile::tempdir().unwrap();
        a_run_in(folder.path());
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        fs::write(folder.path().join("model/mine.txt"), "mine").unwrap();
        RunFolder::create(Some(folder.path()), "x", true).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["model", "notes.txt"]);
        assert_eq!(fs::read_dir(folder.path().join("model")).unwrap().count(), 1);
    }

    #[test]
    fn temporary_files_of_a_killed_process_are_removed_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        a_run_in(folder.path());
        fs::create_dir(folder.path().join("checkpoints")).unwrap();
        let left = [".part-aB3dE6", "checkpoints/.part-xYz012", "model/.part-000000"]
            .map(|name| folder.path().join(name));
        let mine = folder.path().join(".part-mine.txt");
        left.iter().chain([&mine]).for_each(|file| fs::write(file, "half").unwrap());
        let (run, _) = RunFolder::open(folder.path()).unwrap();
        run.remove_leftovers().unwrap();
        assert!(left.iter().all(|file| !file.exists()) && mine.exists());

        left.iter().for_each(|file| fs::write(file, "half").unwrap());
        RunFolder::create(Some(folder.path()), "x", true).unwrap();
        assert!(!folder.path().join("checkpoints").exists() && mine.exists());
    }

    #[test]
    fn force_does_not_replace_files_that_no_run_wrote() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.toml"), "epochs = 3\n").unwrap();
        fs::write(folder.path().join("summary.json"), "{}").unwrap();
        let refused = RunFolder::create(Some(folder.path()), "x", true);
        assert!(refused.unwrap_err().to_string().contains("won't replace"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn an_output_that_is_a_file_is_refused_even_with_force() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "mine").unwrap();
        assert!(RunFolder::create(Some(&file), "x", true).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }
}
