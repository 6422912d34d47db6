//! The pages name everything a config may: lists are checked against the types that read it.

use std::path::Path;

use serde::de::DeserializeOwned;

use klfit::settings::{InitKind, TargetKind};
use klfit::{Backend, Covariance, DivergenceName, GradientRule, Schedule};

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names serde reads for a type: what it says it expected of one that is none of them.
fn names<T: DeserializeOwned>() -> Vec<String> {
    let wrong = toml::Value::String("no such name".to_owned());
    let Err(error) = wrong.try_into::<T>() else {
        panic!("it takes any name");
    };
    let message = error.to_string();
    let (_, expected) = message.split_once("expected").unwrap();
    let names: Vec<String> = (expected.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 1, "{message}");
    names
}

/// What stands between the marks of a list.
fn list<'p>(page: &'p str, name: &str) -> &'p str {
    let begin = format!("<!-- list: {name} -->");
    let (_, rest) = (page.split_once(&begin)).unwrap_or_else(|| panic!("no {begin}"));
    rest.split_once("<!-- end -->").unwrap().0
}

fn check<T: DeserializeOwned>(file: &str, name: &str) {
    let page = page(file);
    let list = list(&page, name);
    let names = names::<T>();
    for name in &names {
        assert!(list.contains(&format!("`{name}`")), "{file} lacks `{name}`");
    }
    // A row for each and for nothing else, under a header and a rule.
    let rows = list.lines().skip_while(|line| !line.starts_with("| ---"));
    let named: Vec<&str> = rows
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(named.len(), names.len(), "{file}: {named:?}");
}

#[test]
fn every_choice_stands_in_the_list_of_its_page() {
    check::<DivergenceName>("docs/divergences.md", "divergences");
    check::<klfit::EstimatorRule>("docs/estimators.md", "estimators");
    check::<GradientRule>("docs/estimators.md", "gradients");
    check::<klfit::OptimizerRule>("docs/optimizers.md", "optimizers");
    check::<Schedule>("docs/optimizers.md", "schedules");
    check::<Covariance>("docs/families.md", "covariances");
    check::<InitKind>("docs/families.md", "starts");
    check::<TargetKind>("docs/targets.md", "targets");
    check::<Backend>("docs/devices.md", "backends");
    check::<klfit::Method>("docs/calculator.md", "methods");
    check::<klfit::settings::FigureName>("docs/figures.md", "figures");
}

#[test]
fn every_width_palette_and_key_stands_on_the_page_of_figures() {
    let page = page("docs/figures.md");
    let widths = list(&page, "widths");
    for (name, mm) in klfit::settings::WIDTHS {
        assert!(widths.contains(&format!("| `{name}` | {mm} |")), "{name}");
    }
    assert_eq!(widths.matches("| `").count(), klfit::settings::WIDTHS.len());
    for palette in klfit::settings::PaletteName::ALL {
        assert!(
            page.contains(&format!("| `{}` |", palette.name())),
            "{palette:?}"
        );
    }
    // An unknown key is told the known ones.
    let text = format!("{}\n[figures]\nno_such_key = 1\n", klfit::STARTER);
    let error = klfit::Experiment::parse(Path::new("a.toml"), &text, Vec::new()).unwrap_err();
    let error = format!("{error:?}");
    let config = self::page("docs/config.md");
    for key in [
        "only",
        "width",
        "height",
        "font",
        "font_size",
        "title",
        "labels",
        "legend",
        "colors",
        "panels",
        "columns",
        "x",
        "y",
        "format",
        "dpi",
        "background",
    ] {
        assert!(error.contains(key), "{key}: {error}");
        assert!(
            page.contains(&format!("`{key}`")) && config.contains(&format!("`{key}`")),
            "{key}"
        );
    }
}

#[test]
fn every_verb_and_format_stands_on_the_page_of_mixtures() {
    let page = page("docs/mixture.md");
    for format in klfit::ExportFormat::ALL {
        let row = format!("| `{}` | `.{}` |", format.name(), format.extension());
        assert!(page.contains(&row), "{row}");
    }
    for kind in klfit::MixtureFile::ALL {
        assert!(page.contains(&format!("`.{}`", kind.name())), "{kind:?}");
    }
    let help = crate::command_line::klfit(&["mixture", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, verbs) = help.split_once("Commands:\n").unwrap();
    let verbs = verbs.lines().take_while(|line| !line.is_empty());
    let names: Vec<&str> = verbs
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 10, "{help}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(page.contains(&format!("\n| `{name} ")), "no row of {name}");
    }
}

#[test]
fn every_measure_stands_on_the_page_of_the_calculator() {
    let page = page("docs/calculator.md");
    for name in klfit::Measure::OTHERS.map(klfit::Measure::name) {
        assert!(page.contains(&format!("`{name}`")), "it lacks `{name}`");
        assert!(
            page.contains(&format!("`--kind {name}`"))
                || page.contains(&format!("{name}\n"))
                || page.contains(&format!("{name},")),
            "no example of {name}"
        );
    }
}

#[test]
fn every_choice_stands_in_the_reference_and_the_starter() {
    let (reference, starter) = (page("docs/config.md"), klfit::STARTER);
    let mut names: Vec<String> = names::<DivergenceName>();
    names.extend(self::names::<klfit::EstimatorRule>());
    names.extend(self::names::<GradientRule>());
    names.extend(self::names::<klfit::OptimizerRule>());
    names.extend(self::names::<Schedule>());
    names.extend(self::names::<Covariance>());
    for name in names {
        assert!(
            reference.contains(&format!("`{name}`")),
            "docs/config.md lacks `{name}`"
        );
        assert!(starter.contains(&name), "starter.toml lacks {name}");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        pages.push(entry.unwrap().path());
    }
    let mut links = 0;
    for page in pages
        .iter()
        .filter(|page| page.extension().is_some_and(|e| e == "md"))
    {
        let text = std::fs::read_to_string(page).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            links += 1;
            let target = page.parent().unwrap().join(file);
            assert!(target.exists(), "{}: {link}", page.display());
        }
    }
    assert!(links > 10, "{links}");
}
