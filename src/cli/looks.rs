//! The flags that say what figures look like.

use std::path::PathBuf;

use clap::Args;
use toml::Value;

use crate::Result;
use crate::config::{
    FigureFormat, FigureName, FiguresConfig, FontChoice, LegendPlace, Override, PaletteName,
    WIDTHS, read_figures,
};

/// A house style.
#[derive(Debug, Args)]
pub struct Theme {
    /// A file with a [figures] section, as in a config
    #[arg(long, value_name = "FILE")]
    theme: Option<PathBuf>,
}

impl Theme {
    /// What it says.
    pub fn read(&self) -> Result<FiguresConfig> {
        read_figures(self.theme.as_deref(), Vec::new())
    }
}

/// What figures look like, where it is not as their config says.
#[derive(Debug, Args)]
#[command(next_help_heading = "Looks")]
pub struct Looks {
    #[command(flatten)]
    theme: Theme,
    /// Draw these figures alone
    #[arg(long, value_name = "NAME", value_delimiter = ',', help = only_help())]
    only: Option<Vec<String>>,
    #[arg(long, value_name = "MM|NAME", help = width_help())]
    width: Option<String>,
    /// The height in mm [default: what it takes]
    #[arg(long, value_name = "MM")]
    height: Option<f64>,
    #[arg(long, value_name = "FONT|FILE", help = font_help())]
    font: Option<String>,
    /// The size of letters in points, whatever the width [default: 8]
    #[arg(long, value_name = "POINTS")]
    font_size: Option<f64>,
    /// A line above the figure
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[arg(long, value_name = "PLACE", help = legend_help())]
    legend: Option<String>,
    #[arg(long, value_name = "PALETTE|COLOR,…", help = colors_help())]
    colors: Option<String>,
    /// How many panels stand side by side
    #[arg(long, value_name = "N")]
    columns: Option<i64>,
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', help = format_help())]
    format: Option<Vec<String>>,
    /// The resolution of PNGs in dots per inch [default: 300]
    #[arg(long)]
    dpi: Option<f64>,
    /// What it stands on: a colour, or transparent [default: white]
    #[arg(long, value_name = "COLOR")]
    background: Option<String>,
    /// Any other key of [figures], as in convergence.y.scale=linear or labels.step=iteration
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<Override>,
}

fn only_help() -> String {
    let names = FigureName::ALL.map(FigureName::name).join(", ");
    format!("Draw these figures alone: {names}")
}

fn width_help() -> String {
    let names = WIDTHS.map(|(name, _)| name).join(", ");
    format!("The width in mm, or by a name: {names} [default: page, 170 mm]")
}

fn font_help() -> String {
    let names = FontChoice::NAMED.map(|(name, _)| name).join(", ");
    format!("The font: {names}, or a file in .ttf or .otf [default: sans]")
}

fn legend_help() -> String {
    format!(
        "Where the legend stands: {} [default: top]",
        LegendPlace::ALL.map(LegendPlace::name).join(", ")
    )
}

fn colors_help() -> String {
    let names = PaletteName::ALL.map(PaletteName::name).join(", ");
    format!("The colours of the fits: {names}, or some of your own, as in #004488,tomato")
}

fn format_help() -> String {
    let names = FigureFormat::ALL.map(FigureFormat::name).join(", ");
    format!("The files: {names} [default: svg,png,pdf]")
}

/// An override of a key of the section.
fn setting(text: &str) -> std::result::Result<Override, String> {
    let inside = Override::parse(text)?;
    let from = inside.from.clone();
    Override::parse(&format!("figures.{text}")).map(|whole| Override { from, ..whole })
}

impl Looks {
    /// What the theme and the flags say, the flags on top.
    pub fn read(&self) -> Result<FiguresConfig> {
        let texts = |all: &Option<Vec<String>>| {
            let all = all.as_ref()?;
            Some(Value::Array(
                all.iter().map(|one| Value::String(one.clone())).collect(),
            ))
        };
        let text = |one: &Option<String>| one.clone().map(Value::String);
        let width = self.width.as_ref().map(|width| match width.parse::<f64>() {
            Ok(mm) => Value::Float(mm),
            Err(_) => Value::String(width.clone()),
        });
        let colors = self
            .colors
            .as_ref()
            .map(|colors| match PaletteName::from_name(colors) {
                None if colors.contains([',', '#']) => Value::Array(
                    colors
                        .split(',')
                        .map(|one| Value::String(one.trim().to_owned()))
                        .collect(),
                ),
                _ => Value::String(colors.clone()),
            });
        let flags = [
            ("only", texts(&self.only)),
            ("width", width),
            ("height", self.height.map(Value::Float)),
            ("font", text(&self.font)),
            ("font_size", self.font_size.map(Value::Float)),
            ("title", text(&self.title)),
            ("legend", text(&self.legend)),
            ("colors", colors),
            ("columns", self.columns.map(Value::Integer)),
            ("format", texts(&self.format)),
            ("dpi", self.dpi.map(Value::Float)),
            ("background", text(&self.background)),
        ];
        let said = flags.into_iter().filter_map(|(key, value)| {
            let value = value?;
            let from = format!("--{}", key.replace('_', "-"));
            Some(Override::new(&format!("figures.{key}"), value, from))
        });
        read_figures(
            self.theme.theme.as_deref(),
            said.chain(self.set.iter().cloned()).collect(),
        )
    }
}
