#![no_main]
klfit_fuzz::fuzz!("report");
