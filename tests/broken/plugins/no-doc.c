/* Does not say what it does. */
#include "loss.h"

RV_PLUGIN ("loss", "no-doc") .version = "1.0", .licence = "LGPL-2.1-or-later", RV_FUNCTIONS (class) };
