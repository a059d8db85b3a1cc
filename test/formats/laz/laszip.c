/* Packs the points of a LAS file by LASzip: `cc laszip.c -llaszip_api && ./a.out IN.las OUT.laz CHUNK_POINTS`, with LASzip 3.5. */
#include <laszip/laszip_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static laszip_POINTER reader, writer;

static void check(laszip_POINTER object, laszip_I32 failed) {
  char *message = "no object";
  if (!failed) return;
  if (object) laszip_get_error(object, &message);
  fprintf(stderr, "%s\n", message);
  exit(1);
}

int main(int count, char **arguments) {
  laszip_header_struct *header;
  laszip_point_struct *point;
  laszip_BOOL is_compressed;
  laszip_I64 points, i;
  if (count < 4 || laszip_load_dll()) return 1;
  check(0, laszip_create(&reader));
  check(0, laszip_create(&writer));
  check(reader, laszip_open_reader(reader, arguments[1], &is_compressed));
  check(reader, laszip_get_header_pointer(reader, &header));
  check(reader, laszip_get_point_pointer(reader, &point));
  points = header->number_of_point_records ? header->number_of_point_records : header->extended_number_of_point_records;
  check(writer, laszip_request_native_extension(writer, 1));
  check(writer, laszip_set_header(writer, header));
  check(writer, laszip_set_chunk_size(writer, atoi(arguments[3])));
  check(writer, laszip_open_writer(writer, arguments[2], 1));
  for (i = 0; i < points; i++) {
    check(reader, laszip_read_point(reader));
    check(writer, laszip_set_point(writer, point));
    check(writer, laszip_write_point(writer));
  }
  check(writer, laszip_close_writer(writer));
  check(reader, laszip_close_reader(reader));
  return 0;
}
