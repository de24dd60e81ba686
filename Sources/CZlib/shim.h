// zlib, from where pkg-config says it is.
#pragma once
#include <zlib.h>
