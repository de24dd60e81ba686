// The client library of PostgreSQL, from where pkg-config says it is.
#pragma once
#include <libpq-fe.h>
