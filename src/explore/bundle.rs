//! The page in one file: modules put together into one script, for a page that is saved.
//!
//! The modules of the page keep to a strict form, so that no parser is needed: an import is one line of names from a
//! path, at the beginning of a line, and what is exported is a function, a class or a constant declared there. Each
//! becomes a function that is called once and gives its exports, those that others need first.

use std::fmt::Write;

use super::assets;

/// The page of a recording, where its style, its script and its data belong, and the module that draws it.
const PAGE: &str = "saved/saved.html";
const STYLE: &str = "/* style */";
const SCRIPT: &str = "/* script */";
const ENTRY: &str = "saved/main.js";

/// The page that plays a recording, but for the recording.
///
/// # Errors
/// If a module has another form than this can put together.
pub(super) fn page() -> Result<String, String> {
    let page = text(PAGE)?;
    let parts = [
        (STYLE, text("style.css")?.to_owned()),
        (SCRIPT, script(ENTRY)?),
    ];
    let mut whole = page.to_owned();
    for (place, part) in parts {
        if !whole.contains(place) {
            return Err(format!("{PAGE} has no place for {place}"));
        }
        whole = whole.replacen(place, &part, 1);
    }
    Ok(whole)
}

/// A module and all that it needs, as one script.
fn script(entry: &str) -> Result<String, String> {
    let mut bundle = Bundle::default();
    bundle.add(entry)?;
    Ok(bundle.script)
}

fn text(name: &str) -> Result<&'static str, String> {
    assets::text(name).ok_or_else(|| format!("there is no {name}"))
}

#[derive(Default)]
struct Bundle {
    /// Modules that are being added, from the first to the one that it needs now.
    open: Vec<String>,
    done: Vec<String>,
    script: String,
}

impl Bundle {
    /// Adds a module after those that it needs, unless it is there.
    fn add(&mut self, name: &str) -> Result<(), String> {
        if self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        if self.open.iter().any(|open| open == name) {
            return Err(format!("{name} needs itself: {}", self.open.join(", ")));
        }
        self.open.push(name.to_owned());
        let module = Module::read(name, text(name)?)?;
        for import in &module.imports {
            self.add(&import.from)?;
        }
        self.open.pop();
        self.done.push(name.to_owned());
        module.write(&mut self.script);
        Ok(())
    }
}

/// A module taken apart.
struct Module<'t> {
    name: &'t str,
    imports: Vec<Import<'t>>,
    exports: Vec<&'t str>,
    body: String,
}

/// Names that a module takes from another.
struct Import<'t> {
    /// What each is called there and here.
    names: Vec<(&'t str, &'t str)>,
    from: String,
}

impl<'t> Module<'t> {
    fn read(name: &'t str, text: &'t str) -> Result<Self, String> {
        let mut module = Self {
            name,
            imports: Vec::new(),
            exports: Vec::new(),
            body: String::with_capacity(text.len()),
        };
        for (number, line) in text.lines().enumerate() {
            let wrong = |what: &str| format!("{name}:{}: {what}: {line}", number + 1);
            if line.to_ascii_lowercase().contains("</script") {
                return Err(wrong("this would end the script"));
            }
            if line.starts_with("import ") {
                let import = Import::read(name, line).ok_or_else(|| wrong("no import of names"))?;
                module.imports.push(import);
                continue;
            }
            if let Some(declaration) = line.strip_prefix("export ") {
                let export = declared(declaration).ok_or_else(|| wrong("no declaration"))?;
                module.exports.push(export);
                module.body += declaration;
            } else {
                if !is_comment(line) && (line.contains("import(") || line.contains("import.meta")) {
                    return Err(wrong("imports stand at the beginning"));
                }
                module.body += line;
            }
            module.body.push('\n');
        }
        Ok(module)
    }

    fn write(&self, script: &mut String) {
        // Writing to a string does not fail.
        _ = writeln!(script, "const {} = (() => {{", variable(self.name));
        for Import { names, from } in &self.imports {
            let names: Vec<String> = (names.iter())
                .map(|(there, here)| match there == here {
                    true => (*here).to_owned(),
                    false => format!("{there}: {here}"),
                })
                .collect();
            _ = writeln!(
                script,
                "const {{ {} }} = {};",
                names.join(", "),
                variable(from)
            );
        }
        *script += &self.body;
        _ = writeln!(script, "return {{ {} }};\n}})();", self.exports.join(", "));
    }
}

impl<'t> Import<'t> {
    /// `import { a, b as c } from "./path.js";`
    fn read(importer: &str, line: &'t str) -> Option<Self> {
        let rest = line.strip_prefix("import { ")?;
        let (names, path) = rest.split_once(" } from \"")?;
        let from = resolved(importer, path.strip_suffix("\";")?)?;
        let names = (names.split(", "))
            .map(|name| {
                let (there, here) = name.split_once(" as ").unwrap_or((name, name));
                (is_name(there) && is_name(here)).then_some((there, here))
            })
            .collect::<Option<_>>()?;
        Some(Self { names, from })
    }
}

/// A path beside a module, as files of the page are called.
fn resolved(importer: &str, path: &str) -> Option<String> {
    let mut folders: Vec<&str> = importer.split('/').collect();
    folders.pop();
    let mut rest = match path.strip_prefix("./") {
        Some(rest) => rest,
        None => path.starts_with("../").then_some(path)?,
    };
    while let Some(above) = rest.strip_prefix("../") {
        folders.pop()?;
        rest = above;
    }
    let is_plain = rest.ends_with(".js") && !rest.split('/').any(|part| part.starts_with('.'));
    folders.push(rest);
    is_plain.then(|| folders.join("/"))
}

/// What a declaration is called.
fn declared(declaration: &str) -> Option<&str> {
    let rest = ["function ", "async function ", "class ", "const "]
        .iter()
        .find_map(|kind| declaration.strip_prefix(kind))?;
    let end = rest.find(|c: char| !is_letter(c)).unwrap_or(rest.len());
    let name = &rest[..end];
    is_name(name).then_some(name)
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(is_letter)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    ["//", "/*", "*"].iter().any(|sign| line.starts_with(sign))
}

/// What the exports of a module are called in the script.
fn variable(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if is_letter(c) { c } else { '_' })
        .collect();
    format!("module_{plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_of_the_page_can_be_put_together() {
        let mut modules = 0;
        for name in assets::names().filter(|name| name.ends_with(".js")) {
            script(name).unwrap();
            modules += 1;
        }
        assert!(modules > 40, "{modules}");
        let page = page().unwrap();
        assert!(page.contains("class Landscapes {") && page.contains("--vermillion:"));
        // What the page of a recording needs of others, and nothing that asks a server.
        for text in [
            "src=\"",
            "stylesheet",
            "WebSocket",
            "\nexport ",
            "\nimport ",
        ] {
            assert!(!page.contains(text), "{text}");
        }
    }

    #[test]
    fn modules_become_functions() {
        let text = "// A module.\nimport { a, b as c } from \"../draw/x.js\";\nexport const d = a + c;\nexport class E {}\n";
        let mut script = String::new();
        Module::read("view/y.js", text).unwrap().write(&mut script);
        assert_eq!(
            script,
            "const module_view_y_js = (() => {\nconst { a, b: c } = module_draw_x_js;\n// A module.\nconst d = a + c;\n\
             class E {}\nreturn { d, E };\n})();\n"
        );
        for wrong in [
            "import a from \"./x.js\";",
            "import * as a from \"./x.js\";",
            "import { a } from './x.js';",
            "import { a } from \"./x.js\"",
            "import { a } from \"x.js\";",
            "import { a } from \"../../x.js\";",
            "import { a-b } from \"./x.js\";",
            "export default 1;",
            "export { a };",
            "export let a = 1;",
            "  const a = await import(\"./x.js\");",
            "const here = import.meta.url;",
            "const end = \"</SCRIPT>\";",
        ] {
            let error = Module::read("view/y.js", wrong).err();
            assert!(
                error.is_some_and(|error| error.contains("view/y.js:1")),
                "{wrong}"
            );
        }
        assert_eq!(
            resolved("app.js", "./view/x.js").as_deref(),
            Some("view/x.js")
        );
        assert_eq!(resolved("app.js", "../x.js"), None);
    }
}
