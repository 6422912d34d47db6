//! `[figures]` of a config, and a theme: what figures look like, for all of them and for each.

mod color;
mod font;
mod size;

use std::collections::BTreeMap;
use std::path::absolute;

use serde::{Deserialize, Serialize};

pub use color::{Background, Color, Colors, PaletteName};
pub use font::FontChoice;
pub use size::{Dpi, FontSize, Length, WIDTHS, Width};

use super::source::Source;
use crate::choice::choices;

choices! {
    /// The figures, by the names of their files.
    pub enum FigureName {
        /// Target and fits.
        Densities = "densities",
        /// The same where coordinates have bounds.
        DensitiesOfX = "densities-of-x",
        /// Loss and divergences over the steps.
        Convergence = "convergence",
        /// The same over the evaluations of log p.
        Evaluations = "evaluations",
        /// Parameters over the steps.
        Parameters = "parameters",
        /// How many components there are over the steps.
        Components = "components",
        /// Where the fits ended.
        Comparison = "comparison",
        /// What each number of components is worth.
        Choice = "choice",
        /// A divergence over two parameters.
        Landscape = "landscape",
        /// The fits in motion.
        Animation = "animation",
        /// The points of a sweep.
        Sweep = "sweep",
        /// A divergence between every two of several densities.
        Matrix = "matrix",
        /// A mixture with fewer and fewer components.
        Reduction = "reduction",
    }
}

choices! {
    /// The kinds of files that a figure is written as.
    #[derive(PartialOrd, Ord)]
    pub enum FigureFormat {
        /// For screens.
        Svg = "svg",
        /// Pixels.
        Png = "png",
        /// For pdfLaTeX.
        Pdf = "pdf",
        /// For journals that ask for PostScript; its letters are outlines.
        Eps = "eps",
        /// Pictures that LaTeX sets in its own fonts.
        Tikz = "tikz",
    }
}

choices! {
    /// Where the legend stands.
    pub enum LegendPlace {
        /// Above the panels.
        Top = "top",
        /// Below them.
        Bottom = "bottom",
        /// There is none.
        None = "none",
    }
}

choices! {
    /// How numbers lie along an axis.
    pub enum ScaleName {
        /// Evenly.
        Linear = "linear",
        /// By their logarithms.
        Log = "log",
    }
}

/// What an axis shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct AxisConfig {
    /// Its ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<[f64; 2]>,
    /// How numbers lie along it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleName>,
}

impl AxisConfig {
    fn or(self, other: Self) -> Self {
        Self {
            limits: self.limits.or(other.limits),
            scale: self.scale.or(other.scale),
        }
    }

    /// Whether nothing is said.
    pub(in crate::config) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Both tables have the same keys; that of all figures has one for each figure as well.
macro_rules! tables {
    ($($(#[$about:meta])* $key:ident: $Type:ty,)+; $($name:literal $figure:ident = $Figure:ident,)+) => {
        /// What one figure looks like, where it is said.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default, expecting = "a section")]
        pub struct FigureConfig {
            $($(#[$about])* #[serde(skip_serializing_if = "Option::is_none")] pub $key: Option<$Type>,)+
            /// Another text for one that is drawn; none for an empty one.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            pub labels: BTreeMap<String, String>,
            /// The horizontal axes.
            #[serde(skip_serializing_if = "AxisConfig::is_default")]
            pub x: AxisConfig,
            /// The vertical axes.
            #[serde(skip_serializing_if = "AxisConfig::is_default")]
            pub y: AxisConfig,
        }

        /// What figures look like.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default, expecting = "a section")]
        pub struct FiguresConfig {
            /// Those that are drawn; all by default.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub only: Option<Vec<FigureName>>,
            $($(#[$about])* #[serde(skip_serializing_if = "Option::is_none")] pub $key: Option<$Type>,)+
            /// Another text for one that is drawn; none for an empty one.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            pub labels: BTreeMap<String, String>,
            /// The horizontal axes.
            #[serde(skip_serializing_if = "AxisConfig::is_default")]
            pub x: AxisConfig,
            /// The vertical axes.
            #[serde(skip_serializing_if = "AxisConfig::is_default")]
            pub y: AxisConfig,
            $(
                /// What this one looks like, where it is not as the others.
                #[serde(rename = $name, skip_serializing_if = "Option::is_none")]
                pub $figure: Option<FigureConfig>,
            )+
        }

        impl FigureConfig {
            /// These settings, and those of another where there are none.
            pub fn or(self, other: Self) -> Self {
                let mut labels = other.labels;
                labels.extend(self.labels);
                Self {
                    $($key: self.$key.or(other.$key),)+
                    labels,
                    x: self.x.or(other.x),
                    y: self.y.or(other.y),
                }
            }
        }

        impl FiguresConfig {
            /// What all figures look like.
            fn general(&self) -> FigureConfig {
                FigureConfig {
                    $($key: self.$key.clone(),)+
                    labels: self.labels.clone(),
                    x: self.x,
                    y: self.y,
                }
            }

            /// What one figure looks like: as it says itself, or else as all do.
            pub fn of(&self, figure: FigureName) -> FigureConfig {
                let own = match figure {
                    $(FigureName::$Figure => &self.$figure,)+
                };
                own.clone().unwrap_or_default().or(self.general())
            }

            /// These settings, and those of another where there are none.
            pub fn or(self, other: Self) -> Self {
                let general = self.general().or(other.general());
                Self {
                    only: self.only.or(other.only),
                    $($key: general.$key,)+
                    labels: general.labels,
                    x: general.x,
                    y: general.y,
                    $($figure: match (self.$figure, other.$figure) {
                        (Some(own), Some(other)) => Some(own.or(other)),
                        (own, other) => own.or(other),
                    },)+
                }
            }

            /// Every table that says what figures look like, with the name of the figure that it is for.
            pub(super) fn tables(&self) -> Vec<(Option<FigureName>, FigureConfig)> {
                let mut all = vec![(None, self.general())];
                $(all.extend(self.$figure.clone().map(|own| (Some(FigureName::$Figure), own)));)+
                all
            }

            /// Every font that is named.
            fn fonts(&mut self) -> impl Iterator<Item = &mut FontChoice> {
                let figures = [$(&mut self.$figure,)+].into_iter().flatten();
                figures.filter_map(|figure| figure.font.as_mut()).chain(self.font.as_mut())
            }
        }
    };
}

tables! {
    /// How wide it is on paper, in mm or by a name.
    width: Width,
    /// How high it is, in mm; as high as it needs to be by default.
    height: Length,
    /// What its letters are from.
    font: FontChoice,
    /// The size of its letters, in points.
    font_size: FontSize,
    /// A line above it.
    title: String,
    /// Where the legend stands.
    legend: LegendPlace,
    /// The colours of the fits.
    colors: Colors,
    /// Those of its panels that are drawn, by their names.
    panels: Vec<String>,
    /// How many panels stand side by side.
    columns: usize,
    /// The files it is written as.
    format: Vec<FigureFormat>,
    /// The resolution of its PNG, in dots per inch.
    dpi: Dpi,
    /// What it stands on.
    background: Background,
    ;
    "densities" densities = Densities,
    "densities-of-x" densities_of_x = DensitiesOfX,
    "convergence" convergence = Convergence,
    "evaluations" evaluations = Evaluations,
    "parameters" parameters = Parameters,
    "components" components = Components,
    "comparison" comparison = Comparison,
    "choice" choice = Choice,
    "landscape" landscape = Landscape,
    "animation" animation = Animation,
    "sweep" sweep = Sweep,
    "matrix" matrix = Matrix,
    "reduction" reduction = Reduction,
}

impl FiguresConfig {
    /// Fonts are found from wherever the config that names them is read next.
    pub(super) fn settle(&mut self, source: &Source) {
        for font in self.fonts() {
            if let FontChoice::File(path) = font {
                let here = source.resolve_path(path);
                *path = absolute(&here).unwrap_or(here);
            }
        }
    }

    /// Every text that another one is asked for.
    pub fn labels(&self) -> impl Iterator<Item = String> {
        let tables = self.tables().into_iter();
        tables.flat_map(|(_, table)| table.labels.into_keys())
    }

    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a figure is drawn.
    pub fn draws(&self, figure: FigureName) -> bool {
        (self.only.as_ref()).is_none_or(|only| only.contains(&figure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<FiguresConfig, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn a_figure_is_as_it_says_or_else_as_all_are() {
        let house =
            parsed("width = \"column\"\nfont = \"serif\"\nlabels.step = \"iteration\"\n").unwrap();
        let run = parsed(
            "width = 100\ndpi = 600\ncolors = [\"#000\", \"tomato\"]\n[convergence]\nwidth = 60\ny.scale = \"log\"\n\
             labels.q = \"fit\"\n",
        )
        .unwrap();
        let both = house.clone().or(run.clone());
        let densities = both.of(FigureName::Densities);
        assert_eq!(densities.width, house.width);
        assert_eq!(densities.dpi, run.dpi);
        let convergence = both.of(FigureName::Convergence);
        assert_eq!(convergence.width, Some(Width::new(60.0).unwrap()));
        assert_eq!(convergence.font, Some(FontChoice::Serif));
        assert_eq!(convergence.labels.len(), 2);
        assert_eq!(convergence.y.scale, Some(ScaleName::Log));
        assert_eq!(densities.y.scale, None);
        let one = parsed("colors = \"tomato\"").unwrap().colors;
        assert_eq!(one, parsed("colors = [\"tomato\"]").unwrap().colors);
        // What was read is written as it was.
        let written = toml::to_string(&both).unwrap();
        assert_eq!(parsed(&written).unwrap(), both);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, part) in [
            ("width = 5", "20 to 1000 mm"),
            ("width = \"clumn\"", "column"),
            ("height = -1", "20 to 1000 mm"),
            ("font_size = 100", "4 to 40 points"),
            ("dpi = 0", "36 to 2400"),
            ("font = \"helvetica\"", "sans"),
            ("colors = \"rainbow\"", "okabe-ito"),
            ("colors = [\"blu\"]", "#rrggbb"),
            ("colors = []", "no colours"),
            ("background = \"nothing\"", "transparent"),
            ("background = \"#202020\"", "too dark"),
            ("width = \"jasa-column\"", "docs/figures.md"),
            ("format = [\"gif\"]", "tikz"),
            ("only = [\"density\"]", "densities"),
            ("[convergance]\nwidth = 80", "convergence"),
            ("legend = \"left\"", "bottom"),
        ] {
            let error = parsed(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
