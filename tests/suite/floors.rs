//! The house has floors: modules look down and never up, and siblings never in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rooms from top to bottom. Each may use those below it.
const FLOORS: [&str; 33] = [
    "cli",
    "jobs",
    "explore",
    "report",
    "plot",
    "landscape",
    "run_folder",
    "calculator",
    "export",
    "config",
    "import",
    "record",
    "fit",
    "normalizer",
    "judge",
    "panels",
    "optimizer",
    "estimator",
    "divergence",
    "density",
    "formula",
    "external",
    "coordinates",
    "compute",
    "mixture",
    "given",
    "ranks",
    "precise",
    "progress",
    "files",
    "error",
    "text",
    "choice",
];

/// A module by its path below `src`: `["divergence", "renyi"]`.
type Module = Vec<String>;

/// Every module, with its text but for tests and comments.
fn modules() -> BTreeMap<Module, String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = BTreeMap::new();
    let mut open = vec![(src, Module::new())];
    while let Some((folder, module)) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut inner = module.clone();
            // What only names others for the outside has no floor.
            let is_facade = module.is_empty()
                && matches!(stem.as_str(), "internals" | "results" | "settings" | "main");
            if stem == "tests" || is_facade {
                continue;
            }
            if path.is_dir() {
                inner.push(stem);
                open.push((path, inner));
                continue;
            }
            match stem.as_str() {
                "mod" | "lib" => {}
                _ => inner.push(stem),
            }
            modules.insert(inner, code(&fs::read_to_string(&path).unwrap()));
        }
    }
    modules
}

/// A file without its comments and its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let without = |line: &str| line.split("//").next().unwrap().to_owned();
    text.lines().map(without).collect::<Vec<_>>().join("\n")
}

/// `a::{b, c::{d, self}}` as `a::b`, `a::c::d` and `a::c`.
fn expanded(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else {
        let path = path.split(" as ").next().unwrap().trim();
        return vec![path.trim_end_matches("::self").to_owned()];
    };
    let (mut depth, mut from, mut parts) = (1, 0, Vec::new());
    for (at, letter) in rest.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => {
                parts.push(&rest[from..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 1 => {
                parts.push(&rest[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    (parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty()))
    .flat_map(|part| expanded(&format!("{}{part}", before.trim())))
    .collect()
}

/// The paths of all `use` lines, and whether each is for others too.
fn uses(code: &str) -> Vec<(bool, String)> {
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].trim_end();
        let is_public = before.ends_with("pub") || before.ends_with(')');
        if !(is_public || before.is_empty() || before.ends_with([';', '{', '}', ']'])) {
            continue;
        }
        let line = code[at + 4..].split(';').next().unwrap();
        found.extend(expanded(line).into_iter().map(|path| (is_public, path)));
    }
    found
}

/// Every path that begins with `crate::` or `super::`, in `use` lines or elsewhere.
fn paths(code: &str) -> BTreeSet<String> {
    let used = uses(code).into_iter().map(|(_, path)| path);
    let mut paths: BTreeSet<String> = used
        .filter(|path| path.starts_with("crate::") || path.starts_with("super::"))
        .collect();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let path = code[at..].split(|c| !is_part(c)).next().unwrap();
            // A list in braces was read with its line.
            if !path.ends_with("::") {
                paths.insert(path.to_owned());
            }
        }
    }
    paths
}

/// The module that a path leads to from another, through what modules pass on.
fn target(modules: &BTreeMap<Module, String>, from: &Module, path: &str) -> Module {
    let mut at = from.clone();
    let mut names = path.split("::").peekable();
    if names.peek() == Some(&"crate") {
        names.next();
        at = Module::new();
    }
    while names.next_if_eq(&"super").is_some() {
        at.pop();
    }
    for name in names {
        at = step(modules, at, name);
    }
    at
}

/// The module of a name in a module: its child, the one that it passes the name on from, or itself.
fn step(modules: &BTreeMap<Module, String>, at: Module, name: &str) -> Module {
    let mut child = at.clone();
    child.push(name.to_owned());
    if modules.contains_key(&child) {
        return child;
    }
    let passed_on = uses(&modules[&at])
        .into_iter()
        .find_map(|(is_public, path)| {
            let mut names: Vec<&str> = path.split("::").collect();
            let is_it = is_public && names.pop() == Some(name) && names.first() != Some(&"std");
            is_it.then(|| names.join("::"))
        });
    match passed_on {
        Some(path) if path.starts_with("crate") => target(modules, &at, &path),
        Some(path) => path.split("::").fold(at, |at, name| match name {
            "self" => at,
            name => {
                let mut child = at.clone();
                child.push(name.to_owned());
                if modules.contains_key(&child) {
                    child
                } else {
                    at
                }
            }
        }),
        None => at,
    }
}

/// Which of its siblings each module uses, by the folder they share; with a file for each.
type Edges = BTreeMap<Module, BTreeMap<String, BTreeMap<String, String>>>;

fn edges(modules: &BTreeMap<Module, String>) -> Edges {
    let mut edges = Edges::new();
    for (from, code) in modules {
        for path in paths(code) {
            let to = target(modules, from, &path);
            let shared = (from.iter().zip(&to)).take_while(|(a, b)| a == b).count();
            let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) else {
                continue;
            };
            edges
                .entry(from[..shared].to_vec())
                .or_default()
                .entry(one.clone())
                .or_default()
                .insert(other.clone(), format!("src/{}.rs: {path}", from.join("/")));
        }
    }
    edges
}

#[test]
fn rooms_use_only_rooms_below_them() {
    let modules = modules();
    let edges = edges(&modules);
    let floor = |room: &str| FLOORS.iter().position(|one| *one == room);
    for (room, used) in &edges[&Module::new()] {
        let own = floor(room).unwrap_or_else(|| panic!("{room} has no floor"));
        for (other, place) in used {
            let below = floor(other).unwrap_or_else(|| panic!("{other} has no floor: {place}"));
            assert!(own < below, "{room} looks up to {other}, in {place}");
        }
    }
    // A table that no code is held against would let anything pass.
    assert!(edges[&Module::new()]["fit"].contains_key("divergence"));
    for room in FLOORS {
        let is_there = modules
            .keys()
            .any(|module| module.first().is_some_and(|one| one == room));
        assert!(is_there, "there is no {room}");
    }
}

/// What lies between circles, and they themselves: neither uses none of the others that are left, nor
/// is used by none of them.
fn circles(siblings: &BTreeMap<String, BTreeMap<String, String>>) -> Vec<&String> {
    let mut left: BTreeSet<&String> = siblings.keys().collect();
    loop {
        let count = left.len();
        let uses = |one: &String, other: &String| siblings[one].contains_key(other);
        let all = left.clone();
        left.retain(|one| all.iter().any(|other| uses(one, other)));
        let all = left.clone();
        left.retain(|one| all.iter().any(|other| uses(other, one)));
        if left.len() == count {
            break;
        }
    }
    (left.iter().flat_map(|one| &siblings[*one]))
        .filter(|(other, _)| left.contains(other))
        .map(|(_, place)| place)
        .collect()
}

#[test]
fn no_room_has_a_circle_inside() {
    let edges = edges(&modules());
    let found: Vec<String> = (edges.iter())
        .map(|(folder, siblings)| (folder, circles(siblings)))
        .filter(|(_, circle)| !circle.is_empty())
        .map(|(folder, circle)| format!("in src/{}: {circle:#?}", folder.join("/")))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    let looked_at: usize = edges.values().map(BTreeMap::len).sum();
    assert!(looked_at > 100, "only {looked_at} modules were looked at");
}

#[test]
fn circles_are_found() {
    let uses = |others: &[&str]| {
        let others = others
            .iter()
            .map(|other| (other.to_string(), format!("to {other}")));
        others.collect::<BTreeMap<_, _>>()
    };
    let mut siblings = BTreeMap::from([
        ("top".to_owned(), uses(&["a"])),
        ("a".to_owned(), uses(&["b", "low"])),
        ("b".to_owned(), uses(&["low"])),
    ]);
    assert!(circles(&siblings).is_empty());
    siblings
        .get_mut("b")
        .unwrap()
        .insert("a".to_owned(), "to a".to_owned());
    assert_eq!(circles(&siblings), ["to b", "to a"]);
}

#[test]
fn paths_are_read_as_they_are_meant() {
    assert_eq!(
        expanded("crate::a::{b, c::{d, self}, E as F}"),
        [
            "crate::a::b",
            "crate::a::c::d",
            "crate::a::c",
            "crate::a::E"
        ]
    );
    let code = "pub use one::Two;\nuse super::{a, b::C};\nfn f() { crate::x::y(3) }";
    let found: Vec<String> = paths(code).into_iter().collect();
    assert_eq!(found, ["crate::x::y", "super::a", "super::b::C"]);
}
