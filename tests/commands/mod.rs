//! What the program promises to those who run it, one file for each part.

mod audit_tables;
mod bad_input;
mod care;
mod check;
mod comparison;
mod conformance;
mod contested;
mod costs;
mod ddl;
mod desks;
mod diff;
mod holdout;
mod input_warnings;
mod interrupted;
mod own_models;
mod plan;
mod privacy;
mod readers;
mod refusals;
mod report;
mod run;
mod status;
mod storage_s3;
mod tiny;
mod usage;
mod warehouse_s3;
