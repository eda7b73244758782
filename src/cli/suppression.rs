//! `suppression`: the list of people whom nobody may contact, put in force, shown, taken out of force.

use std::path::PathBuf;

use anyhow::Context as _;
use sqlx::PgPool;

use super::{csv::CsvArgs, output, stores::Stores};
use crate::{
    clock,
    config::Config,
    queue,
    suppression::{
        self, Known,
        id_list::{self, IdList, Matched},
    },
    texts::grouped,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Put the people of a CSV file in force, in place of the list before.
    Upload(Upload),
    /// Say which list is in force.
    Show,
    /// Take the list out of force: nobody is suppressed any more.
    Clear,
}

#[derive(Debug, clap::Args)]
pub(super) struct Upload {
    /// A CSV file: one column of ids, several with a header, or a segment.csv that was delivered.
    file: PathBuf,
    /// The column of people's ids; without it, the one that is called as in the users table, or `user_id`.
    #[arg(long)]
    column: Option<String>,
    #[command(flatten)]
    csv: CsvArgs,
    /// Take the list although ids are of nobody or look changed by a spreadsheet.
    #[arg(long)]
    anyway: bool,
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<()> {
    let stores = Stores::open(config).await?;
    let store = &stores.store;
    // The database remembers the list, so that a store that loses it is noticed.
    let pool = match config.require_database() {
        Ok(address) => Some(queue::connect(address).await.context("the database cannot be reached")?),
        Err(_) => None,
    };
    match command {
        Command::Upload(args) => upload(&stores, pool.as_ref(), &args).await?,
        Command::Show => match suppression::current(store).await? {
            Some((list, people)) => output::line(format!("{} people, {}", grouped(people), list.key)),
            None => output::line("No list is in force."),
        },
        Command::Clear => {
            suppression::clear(store, pool.as_ref()).await?;
            output::line("No list is in force any more.");
        }
    }
    Ok(())
}

async fn upload(stores: &Stores, pool: Option<&PgPool>, args: &Upload) -> anyhow::Result<()> {
    let Stores { catalog, lake, store } = stores;
    let as_of = clock::now().with_timezone(&catalog.time_zone).date_naive();
    let list = IdList::read(&args.file, &args.csv.options(), args.column.as_deref(), &catalog.users.id)?;
    let matched = suppression::matched(Known { lake, store, catalog, as_of }, list, args.anyway).await?;
    suppression::upload(store, pool, &matched.ids).await?;
    said(&matched).into_iter().for_each(output::line);
    Ok(())
}

fn said(matched: &Matched) -> Vec<String> {
    let Matched { listed, known, doubtful, respelled, name, .. } = matched;
    let mut lines = vec![format!("{} known people are left out of every segment from now on.", grouped(*known))];
    if *respelled > 0 {
        lines.push(format!(
            "{} of them are spelled otherwise in the list than in the users table.",
            grouped(*respelled)
        ));
    }
    if matched.unknown() > 0 {
        let (unknown, listed) = (grouped(matched.unknown()), grouped(*listed));
        lines.push(format!("{unknown} of the list's {listed} ids are of nobody: {}.", id_list::quoted(doubtful)));
    }
    lines.extend(name.iter().map(|name| format!("The first line, `{name}`, was taken for the column's name.")));
    lines
}
