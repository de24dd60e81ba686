#include "csimdjson.h"

#include <new>
#include <simdjson.h>

struct csimdjson_parser {
    simdjson::dom::parser parser;
    size_t max_depth;
};

// Exceptions must not cross into C: everything that can throw is an error code or NULL.

csimdjson_parser *csimdjson_parser_create(size_t max_depth) {
    return new (std::nothrow) csimdjson_parser{simdjson::dom::parser{}, max_depth};
}

void csimdjson_parser_destroy(csimdjson_parser *parser) {
    delete parser;
}

int csimdjson_parse(
    csimdjson_parser *parser, const uint8_t *text, size_t length, csimdjson_document *document) {
    if (parser->parser.capacity() < length || parser->parser.max_depth() != parser->max_depth) {
        simdjson::error_code error = parser->parser.allocate(length < 4096 ? 4096 : length, parser->max_depth);
        if (error) {
            return static_cast<int>(error);
        }
    }
    simdjson::dom::element root;
    // `true`: copy the text into a buffer with the padding that simdjson reads beyond the end.
    simdjson::error_code error = parser->parser.parse(text, length, true).get(root);
    if (error) {
        return static_cast<int>(error);
    }
    document->tape = parser->parser.doc.tape.get();
    document->strings = parser->parser.doc.string_buf.get();
    return 0;
}
