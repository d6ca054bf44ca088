"""PostgreSQL: which rows an operator means; the parameters are those of `Which`, NULL where it does not matter."""

from __future__ import annotations

MATCHES = """
    (CAST(:ids AS json) IS NULL OR r.id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))) AND
    (CAST(:queue AS text) IS NULL OR r.queue = CAST(:queue AS text))
    AND (CAST(:task AS text) IS NULL OR r.task = CAST(:task AS text))
    AND (CAST(:state AS text) IS NULL OR r.state = CAST(:state AS text))
    AND (CAST(:root_id AS text) IS NULL OR r.root_id = CAST(:root_id AS text) OR r.id = CAST(:root_id AS text))
    AND (CAST(:error AS text) IS NULL OR strpos(r.error, CAST(:error AS text)) > 0)
    AND (CAST(:since AS timestamptz) IS NULL OR r.created_at >= CAST(:since AS timestamptz))
    AND (CAST(:header AS text) IS NULL OR EXISTS (
         SELECT 1 FROM json_array_elements_text(
                CASE json_typeof(r.headers -> CAST(:header AS text))
                     WHEN 'array' THEN r.headers -> CAST(:header AS text)
                     ELSE json_build_array(r.headers -> CAST(:header AS text)) END) AS carried
          WHERE carried IN (SELECT json_array_elements_text(CAST(:header_values AS json)))))
"""
