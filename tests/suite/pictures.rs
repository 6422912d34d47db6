//! The figures of every config at two widths, as small pictures: a change of how they look is seen, side by side.
//!
//! `KLFIT_PICTURES=renew cargo test --release --test suite pictures::` keeps what they look like now.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use klfit::settings::FiguresConfig;
use klfit::{Experiment, Override, RunFolder, Sweep, SweepFolder, draw_figures_as, draw_sweep_as};

use crate::support::{config, run};

/// Dots per inch: small, and yet every line is seen.
const DPI: &str = "40";
/// A pixel is another one when a channel differs by more than this.
const SAME: u8 = 48;
/// The share of pixels that may be others: rounding differs between processors.
const MOST_OTHERS: f64 = 0.002;

/// Pixels in three channels, from the top left.
struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    fn read(path: &Path) -> Option<Self> {
        let file = std::io::BufReader::new(fs::File::open(path).ok()?);
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Some(Self {
            width: info.width as usize,
            pixels: bytes
                .chunks(3)
                .map(|pixel| [pixel[0], pixel[1], pixel[2]])
                .collect(),
        })
    }

    fn write(&self, path: &Path) {
        let height = (self.pixels.len() / self.width) as u32;
        let file = fs::File::create(path).unwrap();
        let mut encoder = png::Encoder::new(file, self.width as u32, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Best);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(self.pixels.as_flattened()).unwrap();
    }

    fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    /// Pictures below each other; or beside each other, on grey.
    fn below(pictures: &[Self]) -> Self {
        let width = pictures.iter().map(|one| one.width).max().unwrap_or(1);
        let mut pixels = Vec::new();
        for picture in pictures {
            for row in picture.pixels.chunks(picture.width) {
                pixels.extend_from_slice(row);
                pixels.resize(pixels.len() + width - row.len(), [128; 3]);
            }
        }
        Self { width, pixels }
    }

    fn beside(pictures: &[&Self]) -> Self {
        let height = pictures.iter().map(|one| one.height()).max().unwrap_or(0);
        let width = pictures.iter().map(|one| one.width + 4).sum();
        let mut pixels = Vec::new();
        for row in 0..height {
            for picture in pictures {
                let from = row * picture.width;
                match picture.pixels.get(from..from + picture.width) {
                    Some(row) => pixels.extend_from_slice(row),
                    None => pixels.resize(pixels.len() + picture.width, [128; 3]),
                }
                pixels.extend([[128; 3]; 4]);
            }
        }
        Self { width, pixels }
    }

    /// Red where two pictures differ, and the share of pixels where they do.
    fn difference(&self, other: &Self) -> (Self, f64) {
        let differs =
            |(a, b): (&[u8; 3], &[u8; 3])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > SAME);
        let pairs = || self.pixels.iter().zip(&other.pixels);
        let others = pairs().filter(|pair| differs(*pair)).count();
        let pixels = pairs().map(|pair| if differs(pair) { [220, 0, 0] } else { [255; 3] });
        let picture = Self {
            width: self.width,
            pixels: pixels.collect(),
        };
        (picture, others as f64 / self.pixels.len() as f64)
    }
}

fn kept(name: &str, width: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/pictures/{name}-{width}.png"))
}

/// Draws by `draw` at both widths, and compares what came out with what is kept.
fn check(name: &str, draw: impl Fn(&FiguresConfig, &Path) -> Vec<PathBuf>) {
    for width in ["page", "column"] {
        let out = tempfile::tempdir().unwrap();
        let looks = format!("format = [\"png\"]\ndpi = {DPI}\nwidth = \"{width}\"");
        let files = draw(&toml::from_str(&looks).unwrap(), out.path());
        let pictures: Vec<Picture> = (files.iter())
            .filter(|file| file.extension().is_some_and(|of| of == "png"))
            .map(|file| Picture::read(file).unwrap())
            .collect();
        assert!(!pictures.is_empty(), "{name}");
        let found = Picture::below(&pictures);
        let path = kept(name, width);
        if std::env::var("KLFIT_PICTURES").is_ok_and(|wish| wish == "renew") {
            found.write(&path);
            continue;
        }
        let seen = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{width}.png"));
        let Some(expected) = Picture::read(&path) else {
            found.write(&seen);
            panic!(
                "{} is not there; {} would be it",
                path.display(),
                seen.display()
            );
        };
        let same_size =
            (expected.width, expected.pixels.len()) == (found.width, found.pixels.len());
        let (difference, share) = expected.difference(&found);
        if !same_size || share > MOST_OTHERS {
            Picture::beside(&[&expected, &found, &difference]).write(&seen);
            panic!(
                "{name} looks otherwise ({:.2} % of its pixels): what it was, what it is and where they differ stand \
                 beside each other in {}",
                100.0 * share,
                seen.display()
            );
        }
    }
}

/// The figures of a config whose fits take a few steps.
fn of_run(name: &str) {
    let short = |more: &[&str]| -> Option<Experiment> {
        let settings = ["optimizer.steps=24", "log.samples=512"].iter().chain(more);
        let overrides = settings.map(|one| Override::parse(one).unwrap()).collect();
        Experiment::load(&config(name), overrides).ok()
    };
    let experiment = short(&["restarts=2"]).or_else(|| short(&[])).unwrap();
    let run = run(&experiment);
    let folder: &RunFolder = &run.folder;
    check(name, |looks, out| {
        draw_figures_as(folder, looks, Some(out), &mut ())
            .unwrap()
            .files
    });
}

macro_rules! pictures {
    ($($test:ident: $name:literal,)+) => {
        $(
            #[test]
            fn $test() {
                of_run($name);
            }
        )+

        #[test]
        fn every_config_and_picture_is_in_the_table() {
            let all: BTreeSet<String> = fs::read_dir(config("").parent().unwrap())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|of| of == "toml"))
                .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
                .collect();
            let drawn: BTreeSet<String> = [$($name),+, "sweep"].map(str::to_owned).into();
            assert_eq!(all, drawn);
            let kept: BTreeSet<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures"))
                .unwrap()
                .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
                .collect();
            let expected = drawn.iter().flat_map(|name| ["page", "column"].map(|width| format!("{name}-{width}")));
            assert_eq!(kept, expected.collect());
        }
    };
}

pictures! {
    banana: "banana",
    bimodal: "bimodal",
    divergences: "divergences",
    donut: "donut",
    eight_schools: "eight-schools",
    estimators: "estimators",
    five_dimensions: "five-dimensions",
    funnel: "funnel",
    galton: "galton",
    heavy_tails: "heavy-tails",
    iris: "iris",
    logistic_regression: "logistic-regression",
    low_rank: "low-rank",
    modes: "modes",
    network: "network",
    notebook_landscape: "notebook-landscape",
    optimizers: "optimizers",
    overlapping: "overlapping",
    plane: "plane",
    ring_of_modes: "ring-of-modes",
    self_fit: "self-fit",
    stopping: "stopping",
    tensorflow_tutorial: "tensorflow-tutorial",
}

#[test]
fn sweep() {
    let steps = Override::parse("optimizer.steps=24").unwrap();
    let sweep = Sweep::load(&config("sweep"), &[steps]).unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep");
    klfit::sweep(&sweep, &path, klfit::Existing::Refuse, &()).unwrap();
    let folder = SweepFolder::open(&path).unwrap();
    check("sweep", |looks, out| {
        draw_sweep_as(&folder, looks, Some(out)).unwrap().files
    });
}

/// The test above would see it.
#[test]
fn a_line_that_moves_is_another_picture() {
    let blank = || Picture {
        width: 100,
        pixels: vec![[255; 3]; 10_000],
    };
    let line = |row: usize| {
        let mut picture = blank();
        picture.pixels[100 * row..100 * row + 60].fill([0; 3]);
        picture
    };
    assert_eq!(line(3).difference(&line(3)).1, 0.0);
    assert!(line(3).difference(&line(5)).1 > MOST_OTHERS);
    assert!(blank().difference(&line(5)).1 > MOST_OTHERS);
}
