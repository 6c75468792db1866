/* Parameter tables that are wrong in one way each; built once for each NAME, with its row as TABLE. */
#include "loss.h"

typedef struct
{
  double rate;
  int choice;
  RvInstance *slot;
  RvPort port;
} Self;

enum
{
  TWICE,
  OUTSIDE,
  TYPE,
  DOC,
  RANGE,
  CHOICES,
  SLOT,
  ARTEFACT,
  USE
};

static const char *const none[] = { NULL };

static const RvParam tables[][3] = {
  [TWICE] = { RV_REAL (Self, rate, "1", 0, 1, "", "Rate"),
              RV_REAL (Self, rate, "1", 0, 1, "", "Rate"), RV_PARAM_END },
  [OUTSIDE] = { { .name = "rate", .type = RV_PARAM_REAL, .offset = sizeof (Self), .doc = "Rate" },
                RV_PARAM_END },
  [TYPE] = { { .name = "rate", .type = (RvParamType) 99, .doc = "Rate" }, RV_PARAM_END },
  [DOC] = { RV_REAL (Self, rate, "1", 0, 1, "", ""), RV_PARAM_END },
  [RANGE] = { RV_REAL (Self, rate, "1", 2, 1, "", "Rate"), RV_PARAM_END },
  [CHOICES] = { RV_CHOICE (Self, choice, NULL, none, "Choice"), RV_PARAM_END },
  [SLOT] = { RV_SLOT (Self, slot, "lens", NULL, "Slot"), RV_PARAM_END },
  [ARTEFACT] = { RV_PORT (Self, port, RV_ARTEFACT_NONE, 0, "Port"), RV_PARAM_END },
  [USE] = { { .name = "use", .type = RV_PARAM_REAL, .doc = "Rate" }, RV_PARAM_END },
};

RV_PLUGIN ("loss", NAME) SAYS, .params = tables[TABLE], .params_size = sizeof (Self), RV_FUNCTIONS (class) };
