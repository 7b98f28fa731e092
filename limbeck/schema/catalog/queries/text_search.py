"""Text search: parsers, templates, dictionaries and configurations."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member

_PARSERS: Final = f"""
SELECT {classes.TEXT_SEARCH_PARSER}, p.oid, 'text_search_parser', p.prsnamespace, p.prsname::text,
  format(E'CREATE TEXT SEARCH PARSER %I.%I (\\n    %s\\n)', n.nspname, p.prsname,
    concat_ws(E',\\n    ', 'START = ' || p.prsstart::text, 'GETTOKEN = ' || p.prstoken::text,
      'END = ' || p.prsend::text, 'LEXTYPES = ' || p.prslextype::text,
      'HEADLINE = ' || nullif(p.prsheadline::oid, 0)::regproc::text)),
  format('DROP TEXT SEARCH PARSER %I.%I', n.nspname, p.prsname)
FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace
WHERE p.prsnamespace = ANY {SPACES} AND {not_member(classes.TEXT_SEARCH_PARSER, "p.oid")}
"""

_TEMPLATES: Final = f"""
SELECT {classes.TEXT_SEARCH_TEMPLATE}, t.oid, 'text_search_template', t.tmplnamespace,
  t.tmplname::text,
  format(E'CREATE TEXT SEARCH TEMPLATE %I.%I (\\n    %s\\n)', n.nspname, t.tmplname,
    concat_ws(E',\\n    ', 'INIT = ' || nullif(t.tmplinit::oid, 0)::regproc::text,
      'LEXIZE = ' || t.tmpllexize::text)),
  format('DROP TEXT SEARCH TEMPLATE %I.%I', n.nspname, t.tmplname)
FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace
WHERE t.tmplnamespace = ANY {SPACES} AND {not_member(classes.TEXT_SEARCH_TEMPLATE, "t.oid")}
"""

_DICTIONARIES: Final = f"""
SELECT {classes.TEXT_SEARCH_DICTIONARY}, d.oid, 'text_search_dictionary', d.dictnamespace,
  d.dictname::text,
  format(E'CREATE TEXT SEARCH DICTIONARY %I.%I (\\n    %s\\n)', n.nspname, d.dictname,
    concat_ws(E',\\n    ', format('TEMPLATE = %I.%I', tn.nspname, t.tmplname), d.dictinitoption)),
  format('DROP TEXT SEARCH DICTIONARY %I.%I', n.nspname, d.dictname)
FROM pg_ts_dict d
JOIN pg_namespace n ON n.oid = d.dictnamespace
JOIN pg_ts_template t ON t.oid = d.dicttemplate
JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
WHERE d.dictnamespace = ANY {SPACES} AND {not_member(classes.TEXT_SEARCH_DICTIONARY, "d.oid")}
"""

_CONFIGURATIONS: Final = f"""
SELECT {classes.TEXT_SEARCH_CONFIGURATION}, c.oid, 'text_search_configuration', c.cfgnamespace,
  c.cfgname::text,
  concat_ws(E';\\n',
    format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = %I.%I)', n.nspname, c.cfgname,
      pn.nspname, p.prsname),
    (SELECT string_agg(format('ALTER TEXT SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %I WITH %s',
        n.nspname, c.cfgname, tokens.alias, m.dictionaries), E';\\n' ORDER BY m.maptokentype)
      FROM (SELECT maptokentype, string_agg(mapdict::regdictionary::text, ', ' ORDER BY mapseqno)
          AS dictionaries FROM pg_ts_config_map WHERE mapcfg = c.oid GROUP BY maptokentype) m
      JOIN ts_token_type(c.cfgparser) tokens ON tokens.tokid = m.maptokentype)),
  format('DROP TEXT SEARCH CONFIGURATION %I.%I', n.nspname, c.cfgname)
FROM pg_ts_config c
JOIN pg_namespace n ON n.oid = c.cfgnamespace
JOIN pg_ts_parser p ON p.oid = c.cfgparser
JOIN pg_namespace pn ON pn.oid = p.prsnamespace
WHERE c.cfgnamespace = ANY {SPACES} AND {not_member(classes.TEXT_SEARCH_CONFIGURATION, "c.oid")}
"""

TEXT_SEARCH: Final = (
    f"{_PARSERS} UNION ALL {_TEMPLATES} UNION ALL {_DICTIONARIES} UNION ALL {_CONFIGURATIONS}"
)
