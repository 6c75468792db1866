/* Any bytes as events of N-MNIST; the first says how they are taken. */
#include "camera.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  Decoder decoder;
  if (size < 1)
    return 0;
  nmnist_begin (&decoder, data + 1, size - 1);
  check_decoder (&decoder, data[0], 5);
  return 0;
}
