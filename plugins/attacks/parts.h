/* What attack.c, copies.c and tables.c know of each other. */
#ifndef RV_ATTACK_PARTS_H
#define RV_ATTACK_PARTS_H

#include "attack.h"

/* How far a copy is from its recording, over the steps that count. */
typedef struct
{
  uint64_t changed; /* entries */
  double share;     /* of all entries */
  double l2, linf;  /* of the difference */
  double rms;       /* l2 / sqrt (entries): of spikes sqrt (share) */
} AttackDistance;

/* Copies of n recordings of `source`, and a dataset that owns and reads them; the ids of the attempts are to be
 * set, the rest is zero. */
RvDataset *attack_copies_new (RvDataset *source, uint32_t n, AttackCopies **copies);
/* Fills copy k, and label and steps of its attempt, from epoch 0 of the recording. */
gboolean attack_copies_read (AttackCopies *copies, uint32_t k, GError **error);
/* Bytes of copies for a dataset with this spec. */
size_t attack_copies_bytes (const RvDatasetSpec *spec);
AttackDistance attack_distance (const AttackCopies *copies, uint32_t k);
void attack_copies_remember (AttackCopies *copies, RvCheckpoint *checkpoint);
/* The originals are no longer needed. */
void attack_copies_end (AttackCopies *copies);

RvTable *attack_summary (const AttackRun *run);
RvTable *attack_samples (const AttackRun *run);

#endif
