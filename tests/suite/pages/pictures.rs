//! The pictures of the pages: the command that makes each, and the one that makes all of them again.
//!
//!     cargo test --release --test suite -- --ignored draw_the_pictures

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::command_line::klfit;
use crate::printed::{folder_of_tutorial, follow_tutorial};

/// A picture, what makes it, and where it then is.
struct Picture {
    /// Its name in `docs/figures`.
    name: &'static str,
    by: By,
}

enum By {
    /// Commands of klfit, in a folder with the configs and the samples of three models, and the file that they leave.
    Commands(&'static [&'static str], &'static str),
    /// The commands of the tutorial, and the file that they leave.
    Tutorial(&'static str),
    /// What is measured is not drawn again without being measured: the command of its page does both.
    Measuring(&'static str),
}

use By::{Commands, Measuring, Tutorial};

const PICTURES: &[Picture] = &[
    Picture {
        name: "animation.gif",
        by: Commands(
            &["run configs/bimodal.toml", "animate outputs/bimodal"],
            "outputs/bimodal/figures/animation.gif",
        ),
    },
    Picture {
        name: "basins.png",
        by: Commands(
            &["landscape configs/notebook-landscape.toml --basins --out basins"],
            "basins/landscape.png",
        ),
    },
    Picture {
        name: "bimodal.png",
        by: Commands(
            &["run configs/bimodal.toml"],
            "outputs/bimodal/figures/comparison.png",
        ),
    },
    Picture {
        name: "divergences.png",
        by: Commands(
            &["run configs/divergences.toml"],
            "outputs/divergences/figures/densities.png",
        ),
    },
    Picture {
        name: "estimators.png",
        by: Commands(
            &["run configs/estimators.toml"],
            "outputs/estimators/figures/convergence.png",
        ),
    },
    Picture {
        name: "growth.png",
        by: Measuring("cargo bench --locked --bench growth | benches/peers/growth.py"),
    },
    Picture {
        name: "heavy-tails.png",
        by: Commands(
            &["run configs/heavy-tails.toml"],
            "outputs/heavy-tails/figures/densities.png",
        ),
    },
    Picture {
        name: "iris.png",
        by: Commands(
            &["run configs/iris.toml"],
            "outputs/iris/figures/densities.png",
        ),
    },
    Picture {
        name: "landscape.png",
        by: Commands(
            &["landscape configs/notebook-landscape.toml --out landscape"],
            "landscape/landscape.png",
        ),
    },
    Picture {
        name: "low-rank.png",
        by: Commands(
            &["run configs/low-rank.toml"],
            "outputs/low-rank/figures/convergence.png",
        ),
    },
    Picture {
        name: "matrix.png",
        by: Commands(
            &["divergence model1.csv model2.csv model3.csv --matrix --out distances"],
            "distances/matrix.png",
        ),
    },
    Picture {
        name: "modes.png",
        by: Commands(
            &["run configs/modes.toml"],
            "outputs/modes/figures/densities.png",
        ),
    },
    Picture {
        name: "network.png",
        by: Commands(
            &["run configs/network.toml"],
            "outputs/network/figures/densities.png",
        ),
    },
    Picture {
        name: "optimizers.png",
        by: Commands(
            &["run configs/optimizers.toml"],
            "outputs/optimizers/figures/convergence.png",
        ),
    },
    Picture {
        name: "stopping.png",
        by: Commands(
            &["run configs/stopping.toml"],
            "outputs/stopping/figures/convergence.png",
        ),
    },
    Picture {
        name: "sweep.png",
        by: Commands(
            &["sweep configs/sweep.toml"],
            "outputs/sweep/figures/sweep.png",
        ),
    },
    Picture {
        name: "tutorial-choice.png",
        by: Tutorial("outputs/penguins/figures/choice.png"),
    },
    Picture {
        name: "tutorial-six.png",
        by: Tutorial("outputs/six/figures/densities.png"),
    },
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs")).unwrap();
    let mut pages: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.push(root().join("README.md"));
    let read = |page: &PathBuf| std::fs::read_to_string(page).unwrap();
    pages.iter().map(read).collect()
}

/// The files of `docs/figures` that a page shows.
fn shown_on(text: &str) -> BTreeSet<String> {
    let links = text.split("](").skip(1);
    let links = links.filter_map(|rest| rest.split(')').next());
    let names = links.filter_map(|link| Some(link.rsplit_once("figures/")?.1.to_owned()));
    names.collect()
}

#[test]
fn every_picture_has_the_command_that_makes_it_and_is_shown() {
    let listed: BTreeSet<String> = PICTURES.iter().map(|one| one.name.to_owned()).collect();
    assert_eq!(listed.len(), PICTURES.len());
    let shown = pages().into_iter().flat_map(|text| shown_on(&text));
    assert_eq!(shown.collect::<BTreeSet<String>>(), listed);
    let there = std::fs::read_dir(root().join("docs/figures")).unwrap();
    let there = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.collect::<BTreeSet<String>>(), listed);
}

/// Wherever a picture stands, so does a command that makes it, and what that reads is there.
#[test]
fn pages_say_what_makes_their_pictures() {
    for text in pages() {
        let shown = shown_on(&text);
        for picture in PICTURES.iter().filter(|one| shown.contains(one.name)) {
            let said = |command: &str| {
                // Where it is written to is for the test alone.
                let (command, _) = command.split_once(" --out").unwrap_or((command, ""));
                text.contains(command)
            };
            let is_said = match picture.by {
                Commands(commands, _) => said(commands.last().unwrap()),
                Measuring(command) => said(command),
                Tutorial(made) => text.contains(made),
            };
            assert!(is_said, "{}", picture.name);
        }
    }
    for picture in PICTURES {
        let Commands(commands, _) = picture.by else {
            continue;
        };
        let words = commands.iter().flat_map(|one| one.split_whitespace());
        for config in words.filter(|word| word.starts_with("configs/")) {
            assert!(root().join(config).is_file(), "{}: {config}", picture.name);
        }
    }
}

/// Makes every picture again, but for what is measured.
#[test]
#[ignore = "writes docs/figures: it runs ten configs, which takes minutes"]
fn draw_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("configs"), &folder.path().join("configs"));
    copy(&root().join("tests/data/three-models"), folder.path());
    let tutorial = folder_of_tutorial();
    follow_tutorial(tutorial.path());
    let mut given = BTreeSet::new();
    for picture in PICTURES {
        let made = match picture.by {
            Measuring(_) => continue,
            Tutorial(made) => tutorial.path().join(made),
            Commands(commands, made) => {
                for command in commands.iter().filter(|command| given.insert(**command)) {
                    let words: Vec<&str> = command.split_whitespace().collect();
                    klfit(&words).current_dir(folder.path()).assert().success();
                }
                folder.path().join(made)
            }
        };
        let to = root().join("docs/figures").join(picture.name);
        std::fs::copy(&made, to)
            .unwrap_or_else(|error| panic!("{}: {}: {error}", picture.name, made.display()));
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}
