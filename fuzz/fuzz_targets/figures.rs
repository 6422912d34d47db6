#![no_main]
klfit_fuzz::fuzz!("figures");
