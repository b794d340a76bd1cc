-- One statement, and so one transaction, per document of the stream.
select format('select ok, coalesce(answer->>''status'', sqlstate) from oms.capture_orders(array[%L], %L::timestamptz)',
              doc, coalesce(substring(doc from '"placed_at": ?"([^"]+)"'), now()::text))
  from demo_stream order by n \gexec
