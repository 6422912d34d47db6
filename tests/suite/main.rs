//! What klfit promises, tested from outside: numbers, gradients, files and the command line.

mod calculator;
mod command_line;
mod config;
mod densities;
mod determinism;
mod devices;
mod docs;
mod estimators;
mod examples;
mod explore;
mod failures;
mod figures;
mod files;
mod gradient_rules;
mod gradients;
mod hostile;
mod kernel;
mod landscape;
mod optimizers;
mod published_numbers;
mod readers;
mod report;
mod resume;
mod support;
mod targets;
mod wrong_input;
