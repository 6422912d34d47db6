//! What a command left in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file below a folder.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(paths(&path)),
            false => found.push(path),
        }
    }
    found
}

/// What is in every file below a folder but locks, by its name from there.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    (paths(folder).into_iter())
        .filter(|path| !path.ends_with(".lock"))
        .map(|path| (name(folder, &path), fs::read(&path).unwrap()))
        .collect()
}

fn name(folder: &Path, path: &Path) -> String {
    let name = path.strip_prefix(folder).unwrap();
    name.to_str().unwrap().to_owned()
}

/// Files that are not finished, or about to be deleted.
pub fn passing(folder: &Path) -> Vec<String> {
    let names = paths(folder)
        .into_iter()
        .map(|path| name(folder, &path))
        .filter(|name| name.rsplit('/').next().unwrap().starts_with(".klfit-"));
    names.collect()
}

/// The results below a folder by their names, without wall-clock times and the numbers of runs.
pub fn results(folder: &Path) -> BTreeMap<String, String> {
    let mut results = BTreeMap::new();
    for path in paths(folder) {
        let without: fn(&str) -> String = match path.file_name().unwrap().to_str().unwrap() {
            "trajectory.csv" => |line| {
                let mut cells: Vec<&str> = line.split(',').collect();
                cells.remove(2);
                cells.join(",")
            },
            "summary.json" => |line| {
                let is_own = ["\"seconds\"", "\"id\""].iter();
                let is_own = is_own.clone().any(|key| line.trim_start().starts_with(key));
                if is_own {
                    String::new()
                } else {
                    line.to_owned()
                }
            },
            "sweep.csv" => |line| line.rsplit_once(',').unwrap_or_default().0.to_owned(),
            "restarts.csv" | "config.toml" => str::to_owned,
            _ => continue,
        };
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<String> = text.lines().map(without).collect();
        results.insert(name(folder, &path), lines.join("\n"));
    }
    results
}

/// Fails with the first result that is not the same.
pub fn same(whole: &BTreeMap<String, String>, parts: &BTreeMap<String, String>) {
    assert!(whole.keys().eq(parts.keys()), "{:?}", parts.keys());
    for (name, whole) in whole {
        let parts = &parts[name];
        assert!(whole == parts, "{name} differs:\n{whole}\n{parts}");
    }
}

/// Fails unless a folder has the results of another, and nothing in it is unfinished.
pub fn ends_as(whole: &BTreeMap<String, String>, folder: &Path) {
    same(whole, &results(folder));
    assert!(passing(folder).is_empty(), "{:?}", passing(folder));
}

/// The rows of a trajectory, as far as they are whole.
pub fn rows(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_default();
    whole_lines(&bytes)
}

fn whole_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split_inclusive('\n');
    lines
        .filter(|line| line.ends_with('\n'))
        .map(str::to_owned)
        .collect()
}

/// The rows of every trajectory below a folder.
pub fn logged(folder: &Path) -> Vec<(PathBuf, Vec<String>)> {
    let mut found = paths(folder);
    found.retain(|path| path.ends_with("trajectory.csv"));
    found
        .into_iter()
        .map(|path| (path.clone(), rows(&path)))
        .collect()
}
