#include "csimdjson.h"

#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>

struct csimdjson_parser {
    simdjson::dom::parser parser;
    size_t max_depth;
    // A copy of the text, with the padding that simdjson reads beyond the end. Kept, since simdjson's own copy costs
    // an allocation for each text.
    std::unique_ptr<uint8_t[]> text;
    size_t room;
};

// Exceptions must not cross into C: everything that can throw is an error code or NULL.

csimdjson_parser *csimdjson_parser_create(size_t max_depth) {
    return new (std::nothrow) csimdjson_parser{simdjson::dom::parser{}, max_depth, nullptr, 0};
}

void csimdjson_parser_destroy(csimdjson_parser *parser) {
    delete parser;
}

static_assert(CSIMDJSON_PADDING >= simdjson::SIMDJSON_PADDING, "the parser reads further");

int csimdjson_parse(
    csimdjson_parser *parser, const uint8_t *text, size_t length, csimdjson_document *document) {
    if (parser->room < length + simdjson::SIMDJSON_PADDING) {
        parser->room = (length < 4096 ? 4096 : length) + simdjson::SIMDJSON_PADDING;
        parser->text.reset(new (std::nothrow) uint8_t[parser->room]);
        if (!parser->text) {
            parser->room = 0;
            return static_cast<int>(simdjson::MEMALLOC);
        }
    }
    if (length > 0) {
        std::memcpy(parser->text.get(), text, length);
    }
    std::memset(parser->text.get() + length, ' ', simdjson::SIMDJSON_PADDING);
    return csimdjson_parse_padded(parser, parser->text.get(), length, document);
}

int csimdjson_parse_padded(
    csimdjson_parser *parser, const uint8_t *text, size_t length, csimdjson_document *document) {
    if (parser->parser.capacity() < length || parser->parser.max_depth() != parser->max_depth) {
        simdjson::error_code error = parser->parser.allocate(length < 4096 ? 4096 : length, parser->max_depth);
        if (error) {
            return static_cast<int>(error);
        }
    }
    simdjson::dom::element root;
    simdjson::error_code error = parser->parser.parse(text, length, false).get(root);
    if (error) {
        return static_cast<int>(error);
    }
    document->tape = parser->parser.doc.tape.get();
    document->strings = parser->parser.doc.string_buf.get();
    return 0;
}
