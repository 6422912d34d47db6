#![no_main]
klfit_fuzz::fuzz!("sweep_table");
