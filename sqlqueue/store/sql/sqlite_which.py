"""SQLite: which rows an operator means; the parameters are those of `Which`, NULL where it does not matter."""

from __future__ import annotations

MATCHES = """
    (:ids IS NULL OR r.id IN (SELECT value FROM json_each(:ids))) AND
    (:queue IS NULL OR r.queue = :queue)
    AND (:task IS NULL OR r.task = :task)
    AND (:state IS NULL OR r.state = :state)
    AND (:root_id IS NULL OR r.root_id = :root_id OR r.id = :root_id)
    AND (:error IS NULL OR instr(r.error, :error) > 0)
    AND (:since IS NULL OR r.created_at >= :since)
    AND (:header IS NULL OR EXISTS (
         SELECT 1 FROM json_each(r.headers) AS found, json_each(
                CASE found.type WHEN 'array' THEN found.value ELSE json_array(found.value) END) AS carried
          WHERE found.key = :header
            AND CAST(carried.value AS text) IN (SELECT CAST(value AS text) FROM json_each(:header_values))))
"""
