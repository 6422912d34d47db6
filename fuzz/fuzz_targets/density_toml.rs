#![no_main]
klfit_fuzz::fuzz!("density_toml");
