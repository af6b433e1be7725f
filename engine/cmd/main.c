/* SPDX-License-Identifier: MIT
 *
 * main: picks the subcommand.
 */
int main(void)
{
    return 0;
}
