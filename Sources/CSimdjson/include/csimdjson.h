// simdjson behind a C header: parse a JSON text, hand out simdjson's tape.
//
// The tape is simdjson's documented flat form of a document (doc/tape.md of simdjson): 64-bit words whose top eight
// bits are a type character. Walking it from Swift costs no call per value.
#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A parser and the buffers it reuses. Used by one thread at a time.
typedef struct csimdjson_parser csimdjson_parser;

/// - max_depth: levels of nesting; deeper texts fail to parse.
/// Returns NULL when memory is short.
csimdjson_parser *csimdjson_parser_create(size_t max_depth);

void csimdjson_parser_destroy(csimdjson_parser *parser);

/// What a parse gives. Both pointers belong to the parser and hold until its next parse.
typedef struct csimdjson_document {
    const uint64_t *tape;
    const uint8_t *strings;
} csimdjson_document;

/// Parses UTF-8 text. Returns 0, or simdjson's error code; then `document` is left alone.
int csimdjson_parse(
    csimdjson_parser *parser, const uint8_t *text, size_t length, csimdjson_document *document);

/// Bytes behind a text that can be read for ``csimdjson_parse_padded``.
#define CSIMDJSON_PADDING 64

/// The same for a text in a larger buffer, without a copy of it: CSIMDJSON_PADDING bytes behind the text must be
/// readable, whatever they hold.
int csimdjson_parse_padded(
    csimdjson_parser *parser, const uint8_t *text, size_t length, csimdjson_document *document);

#ifdef __cplusplus
}
#endif

#endif
