-- worker: what runs in the background, as rows.

CREATE TABLE oms.job (              --| A job the worker runs when due, each in its own transaction.
    name text PRIMARY KEY,          --| Name
    command text NOT NULL,          --| SQL to run; returns the number of things done, or anything
    every interval NOT NULL,        --| Pause between two runs
    enabled boolean NOT NULL DEFAULT true, --| Switched off jobs wait
    wake boolean NOT NULL DEFAULT false, --| Also run at once when the worker is woken (new ERP changes, new outbox rows)
    next_run timestamptz NOT NULL DEFAULT now(), --| When due
    last_run timestamptz,           --| Start of the last run
    last_took interval,             --| How long it took
    last_result text,               --| What it returned
    last_error text,                --| Error of the last run; NULL if it went well
    failures integer NOT NULL DEFAULT 0 --| Failures in a row; each doubles the pause, up to an hour
);
