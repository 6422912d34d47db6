//! The landscape: parameters that every fit has.

use crate::config::LandscapeConfig;
use crate::config::key::KeyPath;
use crate::config::source::Source;
use crate::density::target::TargetModel;
use crate::error::ConfigError;
use crate::fit::Plan;

pub fn landscape(
    source: &Source,
    landscape: &LandscapeConfig,
    target: &TargetModel,
    plans: &[Plan],
) -> Result<(), ConfigError> {
    let section = KeyPath::dotted("landscape");
    if !target.has_density() {
        let help = "leave it out: there is a landscape where the target is a density";
        return Err(source.error(&section, "is of rows or bins, which have no density", help));
    }
    if let Some(plan) = plans.iter().find(|plan| plan.adapt.is_some()) {
        let message = format!(
            "is of parameters that stay, and the components of fit \"{}\" come and go",
            plan.label
        );
        let help = "leave it out, or remove [adapt]";
        return Err(source.error(&section, message, help));
    }
    if let Some(points) = landscape.points
        && !LandscapeConfig::POINTS.contains(&points)
    {
        let (least, most) = (
            LandscapeConfig::POINTS.start(),
            LandscapeConfig::POINTS.end(),
        );
        let help = format!("give from {least} to {most}; 400 is the default");
        return Err(source.error(&section.name("points"), format!("is {points}"), help));
    }
    for (key, range) in [("across", &landscape.across), ("up", &landscape.up)] {
        let Some(range) = range else { continue };
        for plan in plans {
            let names = plan.family.parameter_names();
            if !names.contains(&range.name) {
                let message = format!(
                    "is \"{}\", and fit \"{}\" has no such parameter",
                    range.name, plan.label
                );
                let help = format!("choose one of {}", names.join(", "));
                return Err(source.error(&section.name(key), message, help));
            }
        }
    }
    match (&landscape.across, &landscape.up) {
        (Some(across), Some(up)) if across.name == up.name => {
            let message = format!("is \"{}\" too", up.name);
            let help = "choose two different parameters";
            Err(source.error(&section.name("up"), message, help))
        }
        _ => Ok(()),
    }
}
